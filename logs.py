"""How the processes write their logs; read only by the composition roots."""

from __future__ import annotations

import logging
from typing import Final

import structlog

from settings import Settings

TALKATIVE: Final = (
    "boto3",
    "botocore",
    "google",
    "googleapiclient",
    "httpcore",
    "httpx",
    "python_http_client",
    "requests",
    "sendgrid",
    "simple_salesforce",
    "slack_sdk",
    "sqlalchemy",
    "stripe",
    "twilio",
    "urllib3",
    "zeep",
)
"""Loggers of libraries that write addresses, headers or bodies of requests, below the level of a warning: keys, and texts of customers."""


def configure_logging(settings: Settings) -> None:
    """Write log lines to standard error, for people or as JSON; what libraries log takes the same form."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
    ]
    last: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if settings.log_format == "text":
        last = structlog.dev.ConsoleRenderer(colors=False)
    wrap = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    structlog.configure(processors=[*shared, wrap], logger_factory=structlog.stdlib.LoggerFactory(), cache_logger_on_first_use=True)
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=last, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    quieten()


def quieten() -> None:
    """Keep libraries from logging what they send and get, whichever level is asked for."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
