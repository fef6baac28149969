"""What events mean once they are in: whose they are, which plays go on, and who is not written to any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from storage.repositories.connections import save_links
from storage.repositories.events import NewEvent, add_events, change_event
from storage.session import Session
from storage.tables import METADATA
from storage.vendor_tables import Link
from tests.api.conftest import KEYS, Caller, JsonTree
from tests.api.signing import connect, event, in_database, send

pytestmark = pytest.mark.servers

DUNNING = """
playbook: dunning
title: Wait for a failed payment
steps:
  - id: failed
    wait_until:
      any:
        failed: {event: invoice.payment_failed, if: arrived.amount_due > 100}
      up_to: 10 business days
  - id: remember
    note.add: {text: "{{ steps.failed.event.amount_due }} are due"}
"""
MAILING = """
playbook: mailing
title: Mail and wait for an answer
steps:
  - id: mail
    email.send: {to: champion, subject: Hello, body: How are you?}
  - id: answered
    wait_until:
      any:
        replied: {if: steps.mail.status == 'replied'}
      up_to: 10 business days
"""


@pytest.fixture(scope="module", autouse=True)
def ready(api: Caller, application_url: str) -> None:
    connect(application_url, KEYS)
    api.publish(DUNNING)
    api.publish(MAILING)


def ago(**parts: float) -> str:
    return (datetime.now(UTC) - timedelta(**parts)).isoformat()


def kept_when(api: Caller, sent: JsonTree, holds: Callable[[JsonTree], bool], timeout_s: float = 20) -> JsonTree:
    deadline = time.monotonic() + timeout_s
    while True:
        found = [one for one in api.get("/v1/events", params={"limit": 200})["items"] if one["vendor_id"] == f"/billing {sent['id']}"]
        if found and holds(found[0]):
            return found[0]
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def settled(url: str, sent: JsonTree) -> None:
    """Wait until an event was looked at (a second look a minute later may still come)."""

    async def look(session: Session) -> bool:
        table = METADATA.tables["event"]
        query = select(table.c.account, table.c.due_at).where(table.c.vendor_id == f"/billing {sent['id']}")
        account, due_at = (await session.execute(query)).one()
        return account is not None or due_at is None or due_at > datetime.now(UTC) + timedelta(seconds=20)

    deadline = time.monotonic() + 20
    while not in_database(url, KEYS, look):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def opt_outs(api: Caller, account: str) -> list[str]:
    (contact,) = api.get(f"/v1/accounts/{account}")["contacts"]
    found: list[str] = contact["opt_outs"]
    return found


def has_account(found: JsonTree) -> bool:
    return found["account"] is not None


def waiting(api: Caller, account: str) -> JsonTree:
    run = api.start("dunning", account)
    return api.step_when(run["id"], "failed", "waiting")


def link(url: str, external_id: str, account: str) -> None:
    async def save(session: Session) -> None:
        await save_links(session, [Link(vendor="cloudevents", kind="subject", external_id=external_id, account=account)])

    in_database(url, KEYS, save)


def test_a_play_that_waits_goes_on_when_the_signed_event_comes(api: Caller, account: str) -> None:
    run = waiting(api, account)

    small, large = event(account=account, data={"amount_due": 5}), event(account=account, data={"amount_due": 500})
    answers = [send(api.http, sent).status_code for sent in (small, large, large)]
    ended = api.closed(run["id"])

    assert answers == [200, 200, 200]
    assert ended["outcome"] == "completed"
    assert [effect["step"] for effect in ended["effects"]] == ["remember"]
    assert kept_when(api, large, has_account)["matched"] == 1


def test_an_event_of_a_linked_object_finds_its_account(api: Caller, account: str, application_url: str) -> None:
    link(application_url, f"cus-{account}", account)
    run = waiting(api, account)

    send(api.http, event(subject=f"cus-{account}", data={"amount_due": 500}))

    assert api.closed(run["id"])["outcome"] == "completed"


def test_an_event_about_nobody_known_is_told_when_the_link_comes(api: Caller, account: str, application_url: str) -> None:
    run = waiting(api, account)
    sent = event(subject=f"cus-late-{account}", data={"amount_due": 500})
    send(api.http, sent)
    settled(application_url, sent)

    before = kept_when(api, sent, lambda found: True)
    link(application_url, f"cus-late-{account}", account)
    ended = api.closed(run["id"])

    assert (before["account"], before["matched"]) == (None, 0)
    assert ended["outcome"] == "completed"
    assert kept_when(api, sent, has_account)["account"] == account


def test_an_event_about_an_address_is_told_when_the_contact_comes(api: Caller, account: str, application_url: str) -> None:
    run = waiting(api, account)
    sent = event(subject=f"Late-{account}@s.example", data={"amount_due": 500})
    send(api.http, sent)
    settled(application_url, sent)

    api.put(f"/v1/accounts/{account}/contacts/{account}-late", {"name": "Late", "email": f"late-{account}@S.example"})

    assert api.closed(run["id"])["outcome"] == "completed"


def test_an_event_about_an_account_to_come_is_matched_when_it_comes(api: Caller, application_url: str) -> None:
    account = f"N-{time.monotonic_ns()}"
    sent = event(account=account)
    send(api.http, sent)
    settled(application_url, sent)

    api.put(f"/v1/accounts/{account}", {"name": "New"})

    assert kept_when(api, sent, has_account)["account"] == account


def test_an_event_of_long_ago_is_noted_and_told_to_nobody(api: Caller, account: str, application_url: str) -> None:
    run = waiting(api, account)
    old, before = event(account=account, time=ago(days=8), data={"amount_due": 500}), event(account=account, time=ago(hours=1))
    send(api.http, [old, before | {"data": {"amount_due": 500}}])

    noted = [kept_when(api, sent, has_account)["matched"] for sent in (old, before)]

    # The second happened before the play began.
    assert noted == [0, 0]
    assert api.get(f"/v1/runs/{run['id']}")["state"] != "closed"
    api.post(f"/v1/runs/{run['id']}/cancel")


def test_an_address_of_two_accounts_matches_neither(api: Caller, account: str, application_url: str) -> None:
    other = f"{account}-b"
    api.put(f"/v1/accounts/{other}", {"name": "Other"})
    for one in (account, other):
        api.put(f"/v1/accounts/{one}/contacts/{one}-both", {"name": "Both", "email": f"both-{account}@s.example"})
    sent = event("email.unsubscribed", subject=f"both-{account}@s.example")

    send(api.http, sent)
    settled(application_url, sent)

    assert kept_when(api, sent, lambda found: True)["account"] is None
    assert opt_outs(api, other) == ["email"]


def sent_mail(api: Caller, account: str) -> tuple[JsonTree, str]:
    run = api.start("mailing", account)
    step = {step["key"]: step for step in api.step_when(run["id"], "answered", "waiting")["steps"]}["mail"]
    return run, step["output"]["message_id"]


def test_what_is_heard_of_a_mail_changes_the_output_of_its_step(api: Caller, account: str) -> None:
    run, message_id = sent_mail(api, account)

    # Nothing but the message's id says whose it is.
    send(api.http, event("email.opened", data={"message_id": message_id}))
    send(api.http, event("email.replied", data={"message_id": message_id}))

    assert api.closed(run["id"])["outcome"] == "completed"


def test_an_older_word_of_a_mail_does_not_replace_a_newer_one(api: Caller, account: str) -> None:
    run, message_id = sent_mail(api, account)
    opened = event("email.opened", data={"message_id": message_id}, time=ago(seconds=1))
    late = event("email.delivered", data={"message_id": message_id}, time=ago(seconds=10))
    replied = event("email.replied", data={"message_id": message_id})

    send(api.http, [opened])
    kept_when(api, opened, has_account)
    send(api.http, [late, replied])
    ended = api.closed(run["id"])

    assert ended["outcome"] == "completed"
    assert kept_when(api, late, has_account)["account"] == account


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("email.unsubscribed", {}, ["email"]),
        ("email.complained", {}, ["email"]),
        ("email.bounced", {"hard": True}, ["email"]),
        ("email.bounced", {"hard": False}, []),
        ("email.bounced", {}, []),
        ("email.opened", {"hard": True}, []),
    ],
)
def test_who_leaves_is_not_written_to_any_more(
    api: Caller, account: str, application_url: str, kind: str, data: JsonTree, expected: list[str]
) -> None:
    sent = event(kind, subject=f"ADA-{account}@example.com", data=data)

    send(api.http, sent)
    settled(application_url, sent)
    deadline = time.monotonic() + 20  # on a busy machine the look may be under way still
    while opt_outs(api, account) != expected and time.monotonic() < deadline:
        time.sleep(0.05)

    assert opt_outs(api, account) == expected
    assert audits(application_url, f"{account}-ada", "contact.opt_out") == [("cloudevents", kind) for _ in expected]


def audits(url: str, contact: str, what: str) -> list[tuple[str, str]]:
    async def read(session: Session) -> list[tuple[str, str]]:
        table = METADATA.tables["audit"]
        query = select(table.c.who, table.c.details).where(table.c.subject_id == contact, table.c.what == what)
        return [(who, details["because"]) for who, details in await session.execute(query)]

    return in_database(url, KEYS, read)


def phone_event(url: str, account: str, name: str, at: datetime) -> JsonTree:
    """Keep an event about a phone number, as Twilio's reader gives it."""
    made = event(name)
    new = NewEvent(f"/billing {made['id']}", name, {}, at, address="+4930" + account[-9:])

    async def keep(session: Session) -> None:
        ids = await add_events(session, "twilio", [new])
        await change_event(session, ids[0], due_at=datetime.now(UTC))

    in_database(url, KEYS, keep)
    return made


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([("sms.stopped", 9)], ["sms"]),
        ([("sms.stopped", 9), ("sms.started", 5)], []),
        ([("sms.started", 5), ("sms.stopped", 9)], []),
        ([("sms.started", 9), ("sms.stopped", 5)], ["sms"]),
        ([("sms.stopped", 5), ("sms.started", 5)], ["sms"]),
    ],
)
def test_the_latest_word_about_text_messages_counts_in_whatever_order_it_comes(
    api: Caller, account: str, application_url: str, events: list[tuple[str, int]], expected: list[str]
) -> None:
    number = f"0049 (30) {account[-9:-4]}-{account[-4:]}"
    api.put(f"/v1/accounts/{account}/contacts/{account}-ada", {"name": "Ada", "phone": number})
    now = datetime.now(UTC)

    for name, minutes in events:
        kept_when(api, phone_event(application_url, account, name, now - timedelta(minutes=minutes)), has_account)

    assert opt_outs(api, account) == expected


EMITTING = """
playbook: emitting
title: Tell the others
steps:
  - id: tell
    event.emit: {name: review.finished}
"""
LISTENING = """
playbook: listening
title: Wait
steps:
  - id: wait
    wait_until: {any: {came: {event: NAME}}, up_to: 5 days}
"""


def test_the_name_of_an_event_nobody_sends_is_pointed_out(api: Caller) -> None:
    def said(name: str) -> list[tuple[str, str]]:
        answer = api.post("/v1/playbooks/check", {"source": LISTENING.replace("NAME", name)})
        return [(one["code"], one["hint"]) for one in answer["diagnostics"]]

    before = said("review.finished")
    api.publish(EMITTING)
    send(api.http, event("order.placed"))

    assert said("invoice.payment_faild") == [("PB252", 'did you mean "invoice.payment_failed"?')]
    assert [code for code, _ in before] == ["PB252"]
    assert (said("invoice.payment_failed"), said("review.finished"), said("order.placed")) == ([], [], [])
