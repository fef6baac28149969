"""What the search for secrets needs: every form one may show in, and every place it may show at."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

from pydantic import SecretStr
from sqlalchemy import text
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter

from activities.failures import as_activity_failure
from connectors.sandbox.fake import Received
from connectors.vendor import Credentials
from logs import TALKATIVE, quieten
from storage.session import Session
from storage.tables import METADATA


def secrets_of(credentials: Credentials) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in credentials if isinstance(value, SecretStr)}


def forms_of(credentials: Credentials) -> dict[str, set[str]]:
    """By field, everything in which somebody who reads it would find the secret: as it is, in an address, in base64 (alone and as the
    password of Basic authentication), and in hexadecimal as PostgreSQL shows bytes.
    """
    everything = [str(value.get_secret_value() if isinstance(value, SecretStr) else value) for _, value in credentials if value]
    return {name: _forms(secret, everything) for name, secret in secrets_of(credentials).items()}


def _forms(secret: str, users: Sequence[str]) -> set[str]:
    coded = {base64.b64encode(f"{user}:{secret}".encode()).decode() for user in users}
    whole = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), whole, secret.encode().hex(), *coded}


def shown_in(credentials: Credentials, texts: Sequence[str]) -> list[str]:
    """Each secret that shows, by field, with what is around it."""
    return [
        f"{name} in {_around(each, form)}"
        for name, forms in forms_of(credentials).items()
        for form in forms
        for each in texts
        if form in each
    ]


def _around(text_: str, form: str) -> str:
    at = text_.index(form)
    return repr(text_[max(0, at - 60) : at + len(form) + 20])


def received(credentials: Credentials, requests: Sequence[Received]) -> set[str]:
    """The fields whose secret a stand-in was sent."""
    said = [f"{each.path}?{each.query} {dict(each.headers)} {each.body}" for each in requests]
    return {name for name, forms in forms_of(credentials).items() if any(form in each for form in forms for each in said)}


@contextmanager
def overheard() -> Iterator[list[str]]:
    """Everything that any logger writes at DEBUG, with what libraries may not tell kept from them as the processes do."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(f"{record.name} {self.format(record)} {vars(record)}")

    ear = Ear()
    loggers = [logging.root, *(each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger))]
    before = [(each, each.level, each.disabled) for each in loggers]
    for logger in loggers:
        logger.disabled = False
        logger.setLevel(logging.DEBUG if logger is logging.root else logging.NOTSET)
        if logger is logging.root or not logger.propagate:
            logger.addHandler(ear)
            logger.setLevel(logging.DEBUG)
    quieten()
    try:
        yield said
    finally:
        for logger, level, disabled in before:
            logger.removeHandler(ear)
            logger.setLevel(level)
            logger.disabled = disabled
        for name in TALKATIVE:
            if logging.getLogger(name) not in loggers:
                logging.getLogger(name).setLevel(logging.NOTSET)


def told_by(error: BaseException) -> list[str]:
    """All that an error says, and those it came of, to a log, to a debugger, and to the history of a play."""
    said, left, seen = [in_history(error)], [error], set[int]()
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        said += [str(one), repr(one), repr(one.args), repr(vars(one)), "".join(traceback.format_exception(one))]
        left += [each for each in (one.__cause__, one.__context__) if each is not None]
    return said


def in_history(error: BaseException) -> str:
    """What Temporal keeps of it."""
    try:
        with as_activity_failure():
            raise error  # noqa: TRY301  # as an activity does
    except Exception as ours:  # whichever it becomes is what is kept
        failure, converter = Failure(), DataConverter.default
        converter.failure_converter.to_failure(ours, converter.payload_converter, failure)
        return str(failure)


async def rows_of(session: Session) -> list[str]:
    """Every row of every table, as PostgreSQL shows it."""
    found: list[str] = []
    for name in METADATA.tables:
        found += (await session.execute(text(f'SELECT t::text FROM "{name}" t'))).scalars()  # noqa: S608  # our own names
    return found
