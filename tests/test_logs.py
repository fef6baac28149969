"""What the processes write into their logs, and what libraries would."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from connectors.google_calendar.fake import FakeGoogleCalendar
from connectors.hubspot.fake import FakeHubSpot
from connectors.registry import VENDORS
from connectors.sandbox.serving import serving
from connectors.stripe.fake import FakeStripe
from connectors.twilio.fake import FakeTwilio
from logs import TALKATIVE, configure_logging
from settings import Settings


@pytest.fixture
def restored() -> Iterator[None]:
    """Logging is set for the whole process; afterwards it is as it was."""
    root, before = logging.root, structlog.get_config()
    handlers, level, levels = list(root.handlers), root.level, {name: logging.getLogger(name).level for name in TALKATIVE}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    structlog.configure(**before)


@pytest.mark.parametrize("level", ["debug", "info"])
async def test_no_address_and_no_body_of_a_request_is_logged(
    level: Literal["debug", "info"], restored: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Settings(log_level=level))
    stripe, hubspot = FakeStripe(), FakeHubSpot()
    stripe.add_customer("cus_4711", "ACME")
    hubspot.add("companies", "4711", name="ACME")
    with serving(stripe, hubspot, FakeGoogleCalendar(), FakeTwilio()) as url:
        clients = {
            name: VENDORS[name].connect(dict(VENDORS[name].sandbox), url) for name in ("stripe", "hubspot", "google_calendar", "twilio")
        }
        await clients["stripe"].customer("cus_4711")
        await clients["hubspot"].company("4711")
        await clients["google_calendar"].event("event4711")
        await clients["twilio"].send("+4930004711", "code 4711")
        for client in clients.values():
            await client.close()
    logging.getLogger("ours").info("heard")

    written = capsys.readouterr().err
    assert "heard" in written
    assert "4711" not in written


@pytest.mark.parametrize("name", ["stripe", "httpx", "urllib3.connectionpool", "twilio.http_client", "googleapiclient.discovery"])
@pytest.mark.parametrize("level", ["debug", "info"])
def test_libraries_that_write_requests_are_heard_from_warnings_on(name: str, level: Literal["debug", "info"], restored: None) -> None:
    configure_logging(Settings(log_level=level))

    assert logging.getLogger(name).getEffectiveLevel() == logging.WARNING
