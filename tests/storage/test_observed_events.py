from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from playbook_dsl.values import Json
from storage.ids import new_id
from storage.observed_events import observation_in, observe_event
from storage.scoring_tables import ObservationRow
from storage.session import Database
from storage.tables import Event

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
INVOICE: dict[str, Json] = {
    "invoice_id": "in_1",
    "total": {"$money": ["120.50", "EUR"]},
    "due_date": {"$datetime": "2026-11-12T00:00:00+00:00"},
}


def event(name: str, at: datetime = NOW) -> Event:
    return Event(id=new_id(), name=name, source="stripe", vendor_id="evt_1", occurred_at=at)


@pytest.mark.parametrize(
    ("name", "fields", "kind", "subject", "values"),
    [
        ("invoice.finalized", INVOICE, "invoice", "in_1", {"status": "open", "amount": 120.5, "due": "2026-11-12"}),
        ("invoice.payment_failed", {"invoice_id": "in_1"}, "invoice", "in_1", {"status": "failed"}),
        ("invoice.paid", INVOICE, "invoice", "in_1", {"status": "paid", "amount": 120.5, "due": "2026-11-12", "paid": "2026-11-20"}),
        ("invoice.voided", {"invoice_id": "in_1", "total": {"$money": ["NaN", "EUR"]}}, "invoice", "in_1", {"status": "void"}),
        ("email.replied", {"message_id": "m-1", "text": "secret"}, "email", "m-1", {"direction": "in"}),
        ("email.delivered", {"message_id": "m-1"}, "email", "m-1", {"direction": "out"}),
        ("survey.answered", {"score": 9, "comment": "secret"}, "survey", "", {"nps": 9}),
        ("survey.answered", {"csat": 4, "score": 400}, "survey", "", {"csat": 4}),
        ("contact.left", {"contact": "eva", "role": "champion"}, "contact", "eva", {"left": True, "role": "champion"}),
    ],
)
def test_an_event_says_what_was_seen_and_nothing_more(
    name: str, fields: dict[str, Json], kind: str, subject: str, values: dict[str, Json]
) -> None:
    seen = observation_in(event(name), "acme", fields, NOW)

    assert seen is not None
    assert (seen.kind, seen.subject, seen.values, seen.occurred_at) == (kind, subject, values, NOW)


@pytest.mark.parametrize(
    ("name", "fields", "at"),
    [
        ("survey.answered", {"score": "nine"}, NOW),
        ("survey.answered", {}, NOW),
        ("invoice.paid", {"invoice_id": 7}, NOW),
        ("meeting.booked", {"meeting_id": "x"}, NOW),
        ("something.else", {}, NOW),
        ("email.replied", {}, NOW - timedelta(days=4000)),
        ("email.replied", {}, NOW + timedelta(days=4000)),
    ],
)
def test_what_says_nothing_of_the_account_is_no_observation(name: str, fields: dict[str, Json], at: datetime) -> None:
    assert observation_in(event(name, at), "acme", fields, NOW) is None


@pytest.mark.servers
async def test_an_event_that_is_told_again_is_seen_once(database: Database) -> None:
    at = datetime.now(UTC) - timedelta(days=1)
    for _ in range(2):
        async with database.begin("acme") as session:
            await observe_event(session, event("email.replied", at), "A-1", {"message_id": "m-1"})

    async with database.begin("acme") as session:
        kept = (await session.execute(select(ObservationRow).where(col(ObservationRow.account) == "A-1"))).scalars().all()
    assert [(row.kind, row.id, row.subject) for row in kept] == [("email", "event:stripe:evt_1", "m-1")]
