"""What is seen of an account over time, each with two clocks: when it happened, and when we learned of it.

A feature at a cutoff may use an observation only when both are at or before the cutoff: otherwise a model learns from what nobody could
have known. What sources may say of each kind is in `KINDS`; everything may be missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

Value: TypeAlias = bool | float | int | str | Mapping[str, float] | None
"""One value of an observation: a number, a word, yes or no, a date as ISO text, or counts by name."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing seen.

    Args:
        id: the source's own id; the same id at the same moment of the same account is the same observation.
        account: the account's id.
        kind: one of `KINDS`.
        occurred_at: when it happened, aware.
        ingested_at: when we learned of it, aware; never before `occurred_at` unless the source's clock is wrong.
        subject: what it is about (the ticket, the invoice, the contract, the contact), empty where each stands for itself. Of a
            subject with several observations the newest that was known at the cutoff counts.
        values: see `KINDS`.
    """

    id: str
    account: str
    kind: str
    occurred_at: datetime
    ingested_at: datetime
    subject: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)


KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "usage": {
        "logins": "number of logins in the period that ends at occurred_at (a day, a week); 1 when a user is named and nothing is said",
        "active_users": "people who used the product in that period",
        "user": "the one person it is about, where the source sends one observation a person; counted once",
        "feature": "the one feature it is about",
        "features": "uses by feature",
    },
    "ticket": {
        "status": "open or closed",
        "severity": "1 (everything stands still) to 4",
        "first_response_h": "hours to the first answer",
        "reopened": "whether it was opened again",
        "csat": "satisfaction with the answer, 1 to 5",
    },
    "invoice": {
        "status": "open, paid, failed or void; each failed attempt is an observation of its own",
        "amount": "in the account's currency",
        "due": "date",
        "paid": "date",
    },
    "meeting": {"with": "csm or executive", "held": "whether it took place"},
    "email": {"direction": "out (ours) or in (theirs)"},
    "survey": {"nps": "0 to 10", "csat": "1 to 5"},
    "contact": {"role": "champion, executive, user", "left": "whether the person left the customer"},
    "contract": {
        "status": "active, renewed, expanded, downgraded or churned",
        "start": "date",
        "end": "date on which the running term ends",
        "term_months": "length of the term",
        "auto_renew": "whether it goes on by itself",
        "mrr": "monthly recurring revenue in the account's currency",
        "plan": "the plan's name",
        "seats": "seats bought",
        "discount": "share of the list price that is let off, 0 to 1",
    },
}
"""Kinds, and for each the names of its values and what they mean."""
