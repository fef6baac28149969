"""The scope and one account that the expression tests share."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from playbook_dsl.expressions.scope import Scope
from playbook_dsl.types import ANY, BOOL, DATE, DATETIME, DURATION, MONEY, NUMBER, TEXT, list_of, one_of, record
from playbook_dsl.values import Duration, Money

CONTACT = record({"name": TEXT, "role": TEXT.maybe(), "score": NUMBER})
ACCOUNT = record(
    {
        "name": TEXT,
        "status": one_of("active", "churned", "trial"),
        "tier": TEXT.maybe(),
        "tags": list_of(TEXT),
        "seats": NUMBER,
        "used": NUMBER.maybe(),
        "mrr": MONEY.maybe(),
        "arr": MONEY,
        "currency": TEXT,
        "is_partner": BOOL,
        "is_paying": BOOL.maybe(),
        "signed_on": DATE,
        "renewal_date": DATE.maybe(),
        "created_at": DATETIME,
        "last_login_at": DATETIME.maybe(),
        "contacts": list_of(CONTACT),
        "invoices": list_of(MONEY),
        "scores": list_of(NUMBER.maybe()),
        "from": TEXT.maybe(),
        "custom": record({"region": TEXT.maybe()}, open=True),
        "manager": record({"name": TEXT}).maybe(),
    }
)
LEVEL = record({"leader": TEXT, "days": NUMBER})
SCOPE = Scope(
    {
        "account": ACCOUNT,
        "health": record({"score": NUMBER.maybe(), "change_30d": NUMBER.maybe()}),
        "inputs": record({"discount": NUMBER, "notice": DURATION, "note": TEXT.maybe()}),
        "steps": record({"call": record({"status": one_of("open", "done")}), "assess": record({"score": NUMBER.maybe()})}),
        "event": record({}, open=True),
        "anything": ANY,
        "tables": record({"severity": record({"high": LEVEL, "low": LEVEL})}),
    },
    why_missing={"steps.offer": 'step "offer" runs later', "arrived": '"arrived" is known only in the `if` of an event'},
)
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
ENV: dict[str, object] = {
    "now": NOW,
    "today": date(2026, 11, 23),
    "account": {
        "name": "Acmé",
        "status": "active",
        "tier": None,
        "tags": ["vip", "beta"],
        "seats": 40,
        "used": None,
        "mrr": Money(Decimal("900"), "EUR"),
        "arr": Money(Decimal("10800.50"), "EUR"),
        "currency": "EUR",
        "is_partner": False,
        "is_paying": None,
        "signed_on": date(2026, 1, 31),
        "renewal_date": date(2027, 1, 31),
        "created_at": datetime(2025, 3, 1, 12, 30, tzinfo=UTC),
        "last_login_at": None,
        "contacts": [{"name": "Ada", "role": "champion", "score": 7}, {"name": "Bo", "role": None, "score": 3}],
        "invoices": [Money(Decimal("10"), "EUR"), Money(Decimal("20.5"), "EUR")],
        "scores": [3, None, 9.5],
        "from": "web",
        "custom": {"region": "EMEA", "points": 12},
        "manager": None,
    },
    "health": {"score": 49.5, "change_30d": -12},
    "inputs": {"discount": 10, "notice": Duration(months=3), "note": None},
    "steps": {"call": {"status": "done"}, "assess": {"score": None}},
    "event": {"amount": 12, "kind": "late"},
    "anything": None,
    "tables": {"severity": {"high": {"leader": "Kim", "days": 1}, "low": {"leader": "Lee", "days": 9}}},
}
