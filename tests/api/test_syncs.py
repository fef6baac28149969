from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from connectors.sandbox.serving import serving
from connectors.stripe.fake import FakeStripe
from settings import Settings
from tests.api.conftest import Caller, JsonTree

pytestmark = pytest.mark.servers

PATH = "/v1/connectors/stripe/sync"
MAPPING = """
customer:
  into: account
  match: [{account: name}]
  fields: {stage: id}
"""
WATCHING = """
playbook: watching
title: Wait for the stage
steps:
  - id: moved
    wait_until:
      any: {staged: {if: account.stage == "cus_1"}}
      up_to: 3 days
      on_timeout: [{id: late, stop: {as: late}}]
"""


@pytest.fixture(scope="module")
def stripe() -> FakeStripe:
    fake = FakeStripe()
    fake.ahead_s = -3600
    fake.add_customer("cus_1", "A-sync-1")
    fake.add_customer("cus_2", "A-sync-2")
    return fake


@pytest.fixture(scope="module")
def settings(settings: Settings, stripe: FakeStripe) -> Iterator[Settings]:
    with serving(stripe) as url:
        yield settings.model_copy(update={"vendor_sandbox_url": url})


def synced(api: Caller) -> JsonTree:
    """Sync and give the report when it is closed."""
    known = {report["id"] for report in api.get(f"{PATH}/reports")["items"]}
    api.call("POST", PATH, {}, status=202)
    deadline = time.monotonic() + 60
    while True:
        new = [report for report in api.get(f"{PATH}/reports")["items"] if report["id"] not in known and report["status"] != "running"]
        if new:
            # The report is closed a moment before the workflow is, and until then another sync is refused.
            time.sleep(0.5)
            return new[0]
        assert time.monotonic() < deadline, "the sync did not end"
        time.sleep(0.1)


def test_a_sync_brings_records_tells_plays_and_queues_what_has_no_account(api: Caller, stripe: FakeStripe) -> None:
    api.put("/v1/accounts/A-sync-1", {"name": "One"})
    api.publish(WATCHING)
    run = api.start("watching", "A-sync-1")
    api.put(PATH, {"mapping": MAPPING, "every_min": 0})

    report = synced(api)
    ended = api.closed(run["id"])
    (queued,) = api.get(f"{PATH}/failures")["items"]
    still = api.post(f"{PATH}/failures/{queued['id']}/retry")
    api.put("/v1/accounts/A-sync-2", {"name": "Two"})
    taken = api.post(f"{PATH}/failures/{queued['id']}/retry")
    gone = api.call("POST", f"{PATH}/failures/{queued['id']}/retry", status=404)

    assert (report["status"], report["started_by"]) == ("done", "maria")
    assert {name: count for name, count in report["counts"]["customer"].items() if count} == {"read": 2, "changed": 1, "unmatched": 1}
    assert api.get("/v1/accounts/A-sync-1")["stage"] == "cus_1"
    assert ended["outcome"] == "completed"
    assert (queued["external_id"], queued["reason"], queued["attempts"]) == ("cus_2", "unmatched", 2)
    assert (still["taken"], taken["taken"], gone["code"]) == (False, True, "SYNC003")
    assert api.get(PATH)["queued"] == 0


def test_a_mapping_with_errors_is_refused_with_their_places(api: Caller) -> None:
    before = api.get(PATH)["mapping"]

    problem = api.call("PUT", PATH, {"mapping": MAPPING.replace("stage", "stgae")}, status=422)

    assert problem["code"] == "SYNC002"
    assert [(each["line"], each["code"]) for each in problem["diagnostics"]] == [(5, "PB108")]
    assert api.get(PATH)["mapping"] == before


def test_the_shipped_mapping_comes_back(api: Caller) -> None:
    api.put(PATH, {"mapping": MAPPING})
    own = api.get(PATH)

    shipped = api.put(PATH, {"mapping": None, "every_min": 30})

    assert (own["shipped"], own["mapping"]) == (False, MAPPING)
    assert (shipped["shipped"], shipped["every_min"]) == (True, 30)
    assert "invoice:" in shipped["mapping"]


def test_a_vendor_without_records_cannot_be_synced(api: Caller) -> None:
    assert api.call("POST", "/v1/connectors/twilio/sync", {}, status=409)["code"] == "SYNC001"
    assert api.call("POST", "/v1/connectors/strype/sync", {}, status=404)["code"] == "CONN001"
