"""Something happens to an account, and a play begins by itself: exactly one."""

from __future__ import annotations

import time

import pytest

from tests.api.conftest import Caller, JsonTree

pytestmark = pytest.mark.servers


def playbook(slug: str, enroll: str, *, inputs: str = "", note: str = "{{ trigger.kind }} {{ trigger.id }}") -> str:
    return f"""
playbook: {slug}
{inputs}
enroll:
{enroll}
steps:
  - id: note
    note.add: {{text: "{note}"}}
"""


def runs_of(api: Caller, slug: str, account: str) -> list[JsonTree]:
    return list(api.get("/v1/runs", params={"playbook": slug, "account": account})["items"])


def begun(api: Caller, slug: str, account: str, timeout_s: float = 30) -> JsonTree:
    """Give the play that began by itself, ended, after a while in which no second one came."""
    deadline = time.monotonic() + timeout_s
    while not (found := runs_of(api, slug, account)):
        assert time.monotonic() < deadline, f"no play of {slug} began: {why(api, slug, account)}"
        time.sleep(0.05)
    run = api.closed(found[0]["id"])
    time.sleep(0.7)
    assert len(runs_of(api, slug, account)) == 1
    return run


def send(api: Caller, account: str | None, kind: str, number: str, **data: JsonTree) -> JsonTree:
    body = {"id": f"{account}-{kind}-{number}", "source": "tests", "type": kind, "account": account, "data": data}
    return api.post("/v1/events", body)


def why(api: Caller, slug: str, account: str) -> JsonTree:
    return api.get("/v1/events", params={"account": account})["items"]


def note_of(api: Caller, run: JsonTree) -> str:
    step = next(step for step in run["steps"] if step["key"] == "note")
    assert step["status"] == "done", run
    return str(run)


def test_an_event_starts_a_play(api: Caller, account: str) -> None:
    note = "{{ trigger.kind }} {{ trigger.id }} {{ event.amount_due }} {{ inputs.invoice }}"
    inputs = "inputs:\n  invoice: {type: text, from: event.invoice_id}\n"
    api.publish(
        playbook(
            "dunning",
            "  when:\n    - event: invoice.payment_failed\n      id: failed\n      if: event.amount_due >= 500\n",
            inputs=inputs,
            note=note,
        )
    )
    for number, amount in (("1", 100), ("2", 700), ("2", 700)):
        data = {"amount_due": amount, "invoice_id": f"in_{number}"}
        api.post(
            "/v1/events",
            {"id": f"{account}-{number}", "source": "tests", "type": "invoice.payment_failed", "account": account, "data": data},
        )

    run = begun(api, "dunning", account)

    assert (run["trigger"], run["outcome"]) == ("event", "completed")


def test_a_change_of_a_fact_starts_a_play(api: Caller, account: str) -> None:
    api.publish(playbook("live", "  when:\n    - change: account.stage\n      from: onboarding\n      to: live\n"))
    for stage in ("live", "onboarding", "live", "live"):
        api.patch(f"/v1/accounts/{account}", {"stage": stage})

    run = begun(api, "live", account)

    assert (run["trigger"], run["outcome"]) == ("change", "completed")
