from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator

import pytest
from temporalio.client import Client

from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from connectors.stripe.fake import FakeStripe
from settings import Settings
from tests.api.conftest import Caller, Served

pytestmark = pytest.mark.servers

CANARY = "sk_test_canary_81be2f"

DISCOUNT = """
playbook: give-discount
title: Give a discount
owner: cs-ops
steps:
  - id: offer
    stripe.apply_discount: {percent_off: 15, months: 3}
  - id: tell
    note.add: {text: "{{ account.name }} pays {{ steps.offer.percent_off }} % less"}
"""


@pytest.fixture(scope="module")
def stripe() -> FakeStripe:
    fake = FakeStripe()
    fake.add_customer("cus_1", "ACME")
    return fake


@pytest.fixture(scope="module")
def settings(settings: Settings, stripe: FakeStripe) -> Iterator[Settings]:
    with serving(stripe) as url:
        yield settings.model_copy(update={"vendor_sandbox_url": url})


def test_a_vendor_is_connected_verified_and_forgotten(api: Caller, served: Served) -> None:
    before = {each["vendor"]: each for each in api.get("/v1/connectors")}["stripe"]
    connected = api.put("/v1/connectors/stripe", {"credentials": {"api_key": CANARY}})
    verified = api.post("/v1/connectors/stripe/verify")
    api.call("DELETE", "/v1/connectors/stripe", status=204)
    api.call("DELETE", "/v1/connectors/stripe", status=404)

    assert (before["state"], before["account"]) == ("sandbox", None)
    assert [field["name"] for field in before["credentials"]] == ["api_key", "webhook_secret"]
    assert [field["secret"] for field in before["credentials"]] == [True, True]
    assert (connected["account"], connected["saved_by"]) == ("test account", "maria")
    assert verified["verified_at"] >= connected["verified_at"]
    assert CANARY not in str((before, connected, verified))


@pytest.mark.parametrize(
    ("credentials", "pointer"),
    [({}, "#/credentials/api_key"), ({"api_key": 7}, "#/credentials/api_key"), ({"api_key": CANARY, "nme": "x"}, "#/credentials/nme")],
)
def test_credentials_of_another_form_are_refused_by_field(api: Caller, credentials: dict[str, object], pointer: str) -> None:
    problem = api.call("PUT", "/v1/connectors/stripe", {"credentials": credentials}, status=422)

    assert problem["code"] == "CONN002"
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert CANARY not in str(problem)


def test_credentials_the_vendor_refuses_are_not_kept(api: Caller, stripe: FakeStripe) -> None:
    problem = api.call("PUT", "/v1/connectors/stripe", {"credentials": {"api_key": "sk_live_canary_81be2f"}}, status=422)

    assert problem["code"] == "CONN002"
    assert "canary" not in str(problem)
    assert {each["vendor"]: each["account"] for each in api.get("/v1/connectors")}["stripe"] is None


def test_a_vendor_that_is_away_is_no_fault_of_the_credentials(api: Caller, stripe: FakeStripe) -> None:
    stripe.faults.append(Fault("status", 503))

    problem = api.call("PUT", "/v1/connectors/stripe", {"credentials": {"api_key": CANARY}}, status=503)

    assert problem["code"] == "CONN003"


def test_a_vendor_nobody_knows(api: Caller) -> None:
    assert api.call("PUT", "/v1/connectors/strype", {"credentials": {}}, status=404)["code"] == "CONN001"


def test_a_play_gives_a_discount_at_the_vendor_and_takes_it_back(api: Caller, stripe: FakeStripe, account: str) -> None:
    api.publish(DISCOUNT)
    api.call("POST", "/v1/connectors/stripe/links", {"kind": "customer", "external_id": "cus_1", "account": account}, status=204)

    run = api.start("give-discount", account)
    ended = api.closed(run["id"])
    given = list(stripe.objects["sub_1"]["discounts"])
    api.post(f"/v1/runs/{run['id']}/undo")
    undone = api.run_when(run["id"], lambda found: found["state"] == "closed" and found["outcome"] == "undone")

    assert ended["outcome"] == "completed"
    assert len(given) == 1
    assert stripe.objects["sub_1"]["discounts"] == []
    assert {effect["step"]: effect["status"] for effect in undone["effects"]} == {"offer": "undone", "tell": "undone"}


def test_credentials_are_in_no_history(api: Caller, settings: Settings, account: str) -> None:
    """The play calls the vendor with the canary; what Temporal keeps of it is searched as it is stored, unsealed."""
    api.put("/v1/connectors/stripe", {"credentials": {"api_key": CANARY}})
    api.publish(DISCOUNT)
    api.call("POST", "/v1/connectors/stripe/links", {"kind": "customer", "external_id": "cus_1", "account": account}, status=204)
    run = api.start("give-discount", account)
    api.closed(run["id"])

    async def history() -> str:
        client = await Client.connect(settings.temporal_address)
        return (await client.get_workflow_handle(run["temporal_url"].rpartition("/")[2]).fetch_history()).to_json()

    text = asyncio.run(history())
    api.post(f"/v1/runs/{run['id']}/undo")
    api.run_when(run["id"], lambda found: found["state"] == "closed" and found["outcome"] == "undone")
    api.call("DELETE", "/v1/connectors/stripe", status=204)

    assert "stripe.apply_discount" in text
    assert CANARY not in text
    assert base64.b64encode(CANARY.encode()).decode()[:-4] not in text


def test_a_link_needs_an_account_that_is_there(api: Caller) -> None:
    problem = api.call("POST", "/v1/connectors/stripe/links", {"kind": "customer", "external_id": "cus_9", "account": "nobody"}, status=404)

    assert problem["code"] == "DATA006"
