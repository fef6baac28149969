"""Something happens to an account, and a play begins by itself: exactly one."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

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


def days(number: int) -> str:
    return (datetime.now(UTC) + timedelta(days=number)).date().isoformat()


@pytest.mark.parametrize(
    ("slug", "when", "changes"),
    [
        ("score", "score: health, drops_below: 35, from: 40", [{"facts": {"health": {"score": 34}}}, {"facts": {"health": {"score": 33}}}]),
        ("becomes", "becomes: usage.seat_share > 0.9", [{"facts": {"usage": {"seat_share": 0.95}}}]),
        ("held", "becomes: usage.seats > 9, for: 1 second", [{"facts": {"usage": {"seats": 10}}}]),
        ("segment", "segment: smb, enters: true", [{"segment": "smb"}]),
        ("date", "date: account.renewal_date, before: 90 days", [{"renewal_date": days(80)}]),
        ("same-day", "date: account.renewal_date, same_day: true", [{"renewal_date": days(0)}]),
        ("unchanged", "unchanged: account.stage, for: 2 seconds", [{"stage": "a"}, {"stage": "b"}]),
        ("settles", "change: account.tier, settle: 1s", [{"tier": "a"}, {"tier": "b"}, {"tier": "c"}]),
        ("opportunity", "change: opportunity.stage, to: won", [{"facts": {"opportunity": {"stage": "won"}}}]),
        ("sealed", "change: contact.email", [{"contact": "eve@example.com"}]),
    ],
)
def test_each_kind_starts_one_play(api: Caller, account: str, slug: str, when: str, changes: list[JsonTree]) -> None:
    api.publish(playbook(slug, f"  when: [{{{when}}}]\n"))
    for change in changes:
        if "contact" in change:
            contact = {"name": "Ada Meyer", "email": change["contact"], "roles": ["champion"]}
            api.put(f"/v1/accounts/{account}/contacts/{account}-ada", contact)
        else:
            api.patch(f"/v1/accounts/{account}", change)

    run = begun(api, slug, account)
    api.post(f"/v1/playbooks/{slug}/archive")

    assert run["outcome"] == "completed"


def test_an_event_brings_an_audience_in_and_a_publishing_too(api: Caller, account: str) -> None:
    api.patch(f"/v1/accounts/{account}", {"segment": account})
    audience = f'  audience: account.segment == "{account}"\n'
    api.publish(playbook("outage", "  when: [{event: outage.came, accounts: audience}]\n" + audience))
    send(api, None, "outage.came", account)
    saved = api.publish(playbook("everybody", audience + "  existing: include\n"))

    assert begun(api, "outage", account)["outcome"] == "completed"
    run = begun(api, "everybody", account)
    assert saved["existing"] == {"then": "include", "accounts": 1, "launch": run["launch"]}
    launch = api.get(f"/v1/launches/{run['launch']}")
    assert (launch["playbook"], launch["accounts"]) == ("everybody", 1)


def test_news_of_the_first_moment_are_not_lost(api: Caller, account: str) -> None:
    source = """
playbook: quick
enroll:
  when: [{event: mail.sent}]
steps:
  - id: answer
    wait_until:
      any:
        replied: {event: mail.replied}
      up_to: 10 days
"""
    api.publish(source)
    send(api, account, "mail.sent", "1")
    send(api, account, "mail.replied", "1")

    assert begun(api, "quick", account)["outcome"] == "completed"
