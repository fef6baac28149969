"""Syncs from the terminal, on a schedule that fires, and what plays hear of them: all of it served, with a worker beside."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, Schedule
from temporalio.service import RPCError
from typer.testing import CliRunner, Result

import worker
from cli.main import app
from connectors.google_calendar.fake import FakeGoogleCalendar
from connectors.google_calendar.vendor import GOOGLE_CALENDAR
from connectors.hubspot.fake import FakeHubSpot
from connectors.salesforce.fake import FakeSalesforce
from connectors.salesforce.vendor import SALESFORCE
from connectors.sandbox.serving import serving
from connectors.stripe.fake import FakeStripe
from connectors.stripe.vendor import STRIPE
from settings import Settings
from tests.api.conftest import (  # noqa: F401  # fixtures of the served API
    Caller,
    Served,
    account,
    api,
    own_temporal,
    served,
)
from tests.api.conftest import settings as usual_settings  # noqa: F401  # as above

pytestmark = pytest.mark.servers

JsonTree = Any
MINE = """
company:
  into: account
  create: true
  fields:
    name: [name, domain]
"""
DEAL = """
playbook: after-the-deal
title: After the deal
steps:
  - id: deal
    wait_until:
      any: {won: {event: opportunity.won, if: arrived.name == "Renewal"}}
      up_to: 3 days
      on_timeout: [{id: late, stop: {as: late}}]
"""
MEETING = """
playbook: one-meeting
title: One meeting
steps:
  - id: call
    meeting.book: {title: Review, start: "START", with: champion}
  - id: off
    wait_until:
      any: {called_off: {if: steps.call.status == "cancelled"}}
      up_to: 3 days
      on_timeout: [{id: late, stop: {as: late}}]
"""


@dataclass(frozen=True)
class Fakes:
    """A vendor for each test, because their order is drawn."""

    salesforce: FakeSalesforce = field(default_factory=FakeSalesforce)
    calendar: FakeGoogleCalendar = field(default_factory=FakeGoogleCalendar)
    hubspot: FakeHubSpot = field(default_factory=FakeHubSpot)
    stripe: FakeStripe = field(default_factory=FakeStripe)


@pytest.fixture(scope="module")
def fakes() -> Fakes:
    return Fakes()


@pytest.fixture(scope="module")
def settings(
    usual_settings: Settings,  # noqa: F811  # it is the fixture imported above
    fakes: Fakes,
) -> Iterator[Settings]:
    with pytest.MonkeyPatch.context() as patch, serving(fakes.salesforce, fakes.calendar, fakes.hubspot, fakes.stripe) as url:
        patch.setattr(worker, "_SCHEDULES_PAUSE_S", 0.2)
        yield usual_settings.model_copy(update={"vendor_sandbox_url": url})


@pytest.fixture(autouse=True)
def at_this_api(served: Served, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811  # it is the fixture imported above
    monkeypatch.setenv("PLAYKEEPER_API_URL", served.url)
    monkeypatch.setenv("PLAYKEEPER_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("PLAYKEEPER_ACTOR", "maria")


def playkeeper(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, f"{arguments}: {result.exit_code} {result.output} {result.exception!r}"
    return result


def answered(*arguments: str) -> JsonTree:
    return json.loads(playkeeper(*arguments, "--json").stdout)


def sync(vendor: str) -> str:
    """Sync from the terminal; the sync before this one may be a moment from its end."""
    deadline = time.monotonic() + 20
    while True:
        result = CliRunner().invoke(app, ["sync", vendor])
        if result.exit_code == 0:
            return result.output
        assert "SYNC001" in result.output, result.output
        assert time.monotonic() < deadline, result.output
        time.sleep(0.3)


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_a_sync_its_reports_its_queue_and_its_mapping(api: Caller, fakes: Fakes, tmp_path: Path) -> None:  # noqa: F811  # imported
    fakes.hubspot.add("companies", "71", name="Seven")
    fakes.hubspot.add("contacts", "81", firstname="Ada", lastname="Meyer", email="no address", associatedcompanyid="71")
    never = playkeeper("sync-reports", "hubspot").output
    said = sync("hubspot")
    queued = answered("sync-failures", "hubspot")
    reports = answered("sync-reports", "hubspot")
    still = answered("sync-failures", "hubspot", "--retry", queued[0]["id"])
    fakes.hubspot.add("contacts", "81", email="ada@seven.example")
    sync("hubspot")
    empty = playkeeper("sync-failures", "hubspot").output
    (tmp_path / "wrong.yaml").write_text(MINE.replace("name: [", "nmae: ["))
    (tmp_path / "mine.yaml").write_text(MINE)
    refused = playkeeper("sync-mapping", "hubspot", str(tmp_path / "wrong.yaml"), code=1).output
    playkeeper("sync-mapping", "hubspot", str(tmp_path / "mine.yaml"), "--every-min", "7")
    mine = answered("sync-mapping", "hubspot")
    only_mine = sync("hubspot")
    shipped = playkeeper("sync-mapping", "hubspot", "--shipped").output

    assert never.strip() == "hubspot was never synced."
    assert "hubspot: done, " in said
    assert "company: 1 read, 1 created" in said
    assert "contact: 1 read, 1 failed" in said
    assert [(each["external_id"], each["reason"]) for each in queued] == [("81", "bad_value")]
    assert "no e-mail address" in queued[0]["why"]
    assert [(each["status"], each["started_by"]) for each in reports] == [("done", "maria")]
    assert [each["taken"] for each in still] == [False]
    assert empty.strip() == "Nothing is queued."
    assert [contact["name"] for contact in api.get("/v1/accounts/71/contacts")] == ["Ada Meyer"]
    assert ("SYNC002" in refused, "nmae" in refused) == (True, True)
    assert (mine["shipped"], mine["every_min"], mine["mapping"]) == (False, 7, MINE)
    assert ("company: " in only_mine, "contact: " in only_mine) == (True, False)
    assert "# hubspot, as shipped; every 7 minutes, 0 queued" in shipped
    playkeeper("sync", "twilio", code=1)


def described(settings: Settings, vendor: str) -> Schedule | None:
    async def ask() -> Schedule | None:
        client = await Client.connect(str(settings.temporal_address))
        try:
            return (await client.get_schedule_handle(f"sync:{settings.tenant}:{vendor}").describe()).schedule
        except RPCError:
            return None

    return asyncio.run(ask())


def every(settings: Settings, vendor: str) -> timedelta | None:
    found = described(settings, vendor)
    return found.spec.intervals[0].every if found else None


def test_a_schedule_fires_follows_its_setting_and_goes_with_the_connection(
    api: Caller,  # noqa: F811  # it is the fixture imported above
    settings: Settings,
    fakes: Fakes,
) -> None:
    async def fire() -> None:
        client = await Client.connect(str(settings.temporal_address))
        await client.get_schedule_handle(f"sync:{settings.tenant}:stripe").trigger()

    playkeeper("sync-mapping", "stripe", "--every-min", "60")
    before = every(settings, "stripe")
    api.put("/v1/connectors/stripe", {"credentials": dict(STRIPE.sandbox)})
    eventually(lambda: every(settings, "stripe") == timedelta(hours=1), "there is no schedule")
    api.put("/v1/accounts/A-scheduled", {"name": "Scheduled"})
    fakes.stripe.add_customer("cus_9", "Scheduled")
    fakes.stripe.objects["cus_9"]["metadata"] = {"account": "A-scheduled"}
    known = {report["id"] for report in answered("sync-reports", "stripe")}
    asyncio.run(fire())

    def fired() -> list[JsonTree]:
        return [each for each in answered("sync-reports", "stripe") if each["id"] not in known and each["status"] == "done"]

    eventually(lambda: bool(fired()), "the schedule did not fire")
    playkeeper("sync-mapping", "stripe", "--every-min", "30")
    eventually(lambda: every(settings, "stripe") == timedelta(minutes=30), "the schedule was not changed")
    api.call("DELETE", "/v1/connectors/stripe", status=204)
    eventually(lambda: described(settings, "stripe") is None, "the schedule is still there")

    assert before is None
    assert [each["started_by"] for each in fired()] == ["schedule"]
    assert api.get("/v1/accounts/A-scheduled")["currency"] == "EUR"


def test_a_play_that_waits_for_a_deal_goes_on_after_the_sync_that_finds_it_won(api: Caller, fakes: Fakes) -> None:  # noqa: F811  # imported
    api.put("/v1/connectors/salesforce", {"credentials": dict(SALESFORCE.sandbox)})
    customer = fakes.salesforce.add("Account", Name="Won soon")
    lost = fakes.salesforce.add("Opportunity", Name="Other", AccountId=customer, StageName="Proposal")
    deal = fakes.salesforce.add("Opportunity", Name="Renewal", AccountId=customer, StageName="Proposal")
    sync("salesforce")
    api.publish(DEAL)
    run = api.start("after-the-deal", customer)
    fakes.salesforce.change("Opportunity", lost, StageName="Closed Won")
    fakes.salesforce.change("Opportunity", deal, StageName="Negotiation")
    sync("salesforce")
    waiting = api.get(f"/v1/runs/{run['id']}")
    fakes.salesforce.change("Opportunity", deal, StageName="Closed Won")
    sync("salesforce")
    ended = api.closed(run["id"])
    sync("salesforce")
    told = [(each["name"], each["fields"]["name"]) for each in api.get("/v1/events", params={"account": customer})["items"]]

    assert waiting["state"] != "closed"
    assert ended["outcome"] == "completed"
    assert sorted(told) == [
        ("opportunity.stage_changed", "Other"),
        ("opportunity.stage_changed", "Renewal"),
        ("opportunity.stage_changed", "Renewal"),
        ("opportunity.won", "Other"),
        ("opportunity.won", "Renewal"),
    ]


def test_a_meeting_that_is_called_off_at_google_is_so_in_the_play_that_booked_it(
    api: Caller,  # noqa: F811  # it is the fixture imported above
    account: str,  # noqa: F811  # as above
    fakes: Fakes,
) -> None:
    api.put("/v1/connectors/google_calendar", {"credentials": dict(GOOGLE_CALENDAR.sandbox)})
    sync("google_calendar")
    api.publish(MEETING.replace("START", (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="seconds")))
    run = api.start("one-meeting", account)
    api.step_when(run["id"], "off", "running", "waiting")
    sync("google_calendar")
    fakes.calendar.cancel(next(iter(fakes.calendar.events)))
    sync("google_calendar")
    ended = api.closed(run["id"])
    told = [each["name"] for each in api.get("/v1/events", params={"account": account})["items"]]

    assert ended["outcome"] == "completed"
    assert sorted(told) == ["meeting.booked", "meeting.cancelled"]
