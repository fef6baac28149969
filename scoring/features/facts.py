"""What people read of an account, from the same observations as the features: logins, open tickets, unpaid invoices.

Only kinds of which something was observed are in the answer, so that what a sync or a person wrote of the others stays.
"""

import math
from datetime import datetime
from typing import Final, TypeAlias

from scoring.features.billing import is_unpaid
from scoring.features.contract import terms_of
from scoring.features.engagement import latest_survey
from scoring.features.history import History
from scoring.features.support import is_open, opened_since
from scoring.features.usage import LAST_USE_DAYS, Windows, usage_windows
from scoring.features.values import DAY, moment_of, seconds

Fact: TypeAlias = float | datetime | None
"""A number, a moment, or what is not known."""
Facts: TypeAlias = dict[str, Fact]
"""Facts by path, such as `usage.logins.last_30d`; days are the moment at which they begin, in UTC."""

_DAYS: Final = 30.0


def facts_at(history: History, cutoff: datetime) -> Facts:
    """Give the facts that were known at a cutoff, by path."""
    at = seconds(cutoff)
    return {**_usage(history, at), **_support(history, at), **_survey(history, at), **_billing(history, at), **_meetings(history, at)}


def _usage(history: History, at: float) -> Facts:
    track = history.tracks["usage"]
    if track.last(at) is None:
        return {}
    found = usage_windows(history, at)
    terms = terms_of(history, at)
    seats = terms.seats if terms else None
    people = [_people(found, window) for window in (0, 1)] if found else [None, None]
    logins = found.logins if found else None
    long_enough = found is not None and found.age >= 2 * _DAYS
    last = next((track.at[place] for place in reversed(track.known(at, at - LAST_USE_DAYS * DAY)) if history.reports[place].on), None)
    facts: Facts = {
        "usage.logins.last_30d": None if logins is None else float(round(logins[0])),
        "usage.logins.change_30d": _change(logins[0], logins[1]) if logins and long_enough else None,
        "usage.active_users": people[0],
        "usage.active_users_change_30d": _change(people[0], people[1]) if long_enough else None,
        "usage.seat_share": round(people[0] / seats, 3) if people[0] is not None and seats else None,
        "usage.last_login_at": None if last is None else moment_of(last),
    }
    return {**facts, "usage.seats": seats} if seats is not None else facts


def _people(found: Windows, window: int) -> float | None:
    """Give how many people used the product in a window: those who were named, or at least as many as in its best report."""
    reported = max(found.active[window], default=0.0) if found.active is not None else None
    named = float(len(found.users[window])) if found.users is not None else None
    return max((count for count in (reported, named) if count is not None), default=None)


def _change(now: float | None, before: float | None) -> float | None:
    """Give a change in percent; of nothing there is none."""
    return None if now is None or not before else float(round(100 * (now - before) / before))


def _support(history: History, at: float) -> Facts:
    tickets = history.states("ticket", at)
    if not tickets:
        return {}
    waiting = [each for each in tickets if is_open(each)]
    return {
        "support.open_tickets": float(len(waiting)),
        "support.open_sev1": float(sum(each.number("severity") == 1 for each in waiting)),
        "support.tickets_30d": float(len(opened_since(tickets, at - _DAYS * DAY))),
    }


def _survey(history: History, at: float) -> Facts:
    found = {question: answer for question in ("nps", "csat") if (answer := latest_survey(history, at, question)) is not None}
    if not found:
        return {}
    facts: Facts = {f"survey.{question}": answer for question, (answer, _) in found.items()}
    return {**facts, "survey.answered_at": moment_of(max(when for _, when in found.values()))}


def _billing(history: History, at: float) -> Facts:
    invoices = history.states("invoice", at)
    if not invoices:
        return {}
    unpaid = [(each, each.day("due")) for each in invoices if is_unpaid(each)]
    overdue = [each for each, due in unpaid if due is not None and due + DAY <= at]
    coming = [due for _, due in unpaid if due is not None and due + DAY > at]
    paid = [day if (day := each.day("paid")) is not None else each.last for each in invoices if each.text("status") == "paid"]
    return {
        "billing.open_invoices": float(len(overdue) + sum(due is None for _, due in unpaid)),
        "billing.overdue_amount": math.fsum(each.number("amount") or 0.0 for each in overdue),
        "billing.last_payment_at": moment_of(max(paid)) if paid else None,
        "billing.next_due_date": moment_of(min(coming)) if coming else None,
    }


def _meetings(history: History, at: float) -> Facts:
    held = [each.last for each in history.states("meeting", at) if each.values.get("held") is not False]
    return {"meetings.last_at": moment_of(max(held))} if held else {}
