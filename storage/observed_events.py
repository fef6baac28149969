"""Observations out of events: an invoice that was paid or failed, a mail that was answered, a survey, a champion who left.

Whatever told of it, a vendor or a team's own system, it is told once. Meetings and subscriptions are not observed this way: that a meeting
is booked does not say that it was held, and one subscription says little of all that an account has.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

from playbook_dsl.values import Json, Money, from_json
from storage.repositories.observations import Seen, add_observations, make_months
from storage.session import Session
from storage.tables import Event

Values: TypeAlias = dict[str, object]
"""Values of an observation."""
Fields: TypeAlias = Mapping[str, Json]
"""Fields of an event."""

FROM_EVENT: Final = "event:"
"""What the ids of observations begin with that events are."""
_OLDEST: Final = timedelta(days=3653)
_LARGEST: Final = 1e12
_LONGEST: Final = 200


async def observe_event(session: Session, event: Event, account: str, fields: Fields) -> None:
    """Keep what an event says of its account as an observation, once."""
    seen = observation_in(event, account, fields, datetime.now(UTC))
    if seen is not None:
        await make_months(session, "observation", [seen.occurred_at.date()])
        await add_observations(session, [seen])


def observation_in(event: Event, account: str, fields: Fields, now: datetime) -> Seen | None:
    """Give the observation that an event is, None when it is none or lies too far back."""
    maker = _MAKERS.get(event.name)
    if maker is None or not now - _OLDEST <= event.occurred_at <= now + timedelta(days=1):
        return None
    kind, name, values = maker(fields, event.occurred_at)
    subject = fields.get(name)
    if not values or not isinstance(subject, str | None):
        return None
    own = f"{FROM_EVENT}{event.source}:{event.vendor_id}"[: 2 * _LONGEST]
    return Seen(account, event.occurred_at, own, kind, (subject or "")[:_LONGEST], values, now)


_Maker: TypeAlias = Callable[[Fields, datetime], tuple[str, str, Values]]


def _invoice(status: str) -> _Maker:
    def make(fields: Fields, at: datetime) -> tuple[str, str, Values]:
        values: Values = {"status": status}
        amount, due = _money(fields.get("total") or fields.get("amount")), _day(fields.get("due_date"))
        if amount is not None:
            values["amount"] = amount
        if due is not None:
            values["due"] = due
        if status == "paid":
            values["paid"] = at.astimezone(UTC).date().isoformat()
        return "invoice", "invoice_id", values

    return make


def _mail(direction: str) -> _Maker:
    return lambda fields, at: ("email", "message_id", {"direction": direction})


def _survey(fields: Fields, at: datetime) -> tuple[str, str, Values]:
    answers = {"nps": _between(fields.get("nps", fields.get("score")), 0, 10), "csat": _between(fields.get("csat"), 1, 5)}
    return "survey", "response_id", {name: answer for name, answer in answers.items() if answer is not None}


def _contact_left(fields: Fields, at: datetime) -> tuple[str, str, Values]:
    role = fields.get("role")
    return "contact", "contact", {"left": True, **({"role": role} if role in ("champion", "executive", "user") else {})}


_MAKERS: Final[Mapping[str, _Maker]] = {
    "invoice.finalized": _invoice("open"),
    "invoice.sent": _invoice("open"),
    "invoice.overdue": _invoice("open"),
    "invoice.payment_failed": _invoice("failed"),
    "invoice.paid": _invoice("paid"),
    "invoice.voided": _invoice("void"),
    "email.delivered": _mail("out"),
    "email.replied": _mail("in"),
    "survey.answered": _survey,
    "contact.left": _contact_left,
}


OBSERVED: Final = tuple(_MAKERS)
"""The names of the events that are observations."""


def _money(value: Json) -> float | None:
    read = _read(value)
    return _between(float(read.amount) if isinstance(read, Money) else read, -_LARGEST, _LARGEST)


def _day(value: Json) -> str | None:
    read = _read(value)
    if isinstance(read, datetime):
        return read.astimezone(UTC).date().isoformat()
    return read.isoformat() if isinstance(read, date) else None


def _read(value: Json) -> object:
    try:
        return from_json(value)
    except (ValueError, TypeError, ArithmeticError):
        return None


def _between(value: object, least: float, most: float) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most else None
