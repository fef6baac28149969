"""A table of accounts as PostgreSQL holds it, the same accounts in memory, and random ones of both."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from sqlalchemy import ARRAY, Boolean, Column, ColumnElement, Date, DateTime, Double, Integer, MetaData, Numeric, Table, Text, case
from sqlalchemy.dialects.postgresql import JSONB

from playbook_dsl.expressions.scope import Scope
from playbook_dsl.types import BOOL, DATE, DATETIME, MONEY, NUMBER, TEXT, list_of, record
from playbook_dsl.values import Money, Value, from_json, to_json

TABLE = Table(
    "book",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Text),
    Column("tier", Text),
    Column("tags", ARRAY(Text)),
    Column("seats", Integer),
    Column("used", Double),
    Column("rate", Numeric(20, 6)),
    Column("mrr", Numeric(18, 4)),
    Column("mrr_currency", Text),
    Column("arr", Numeric(18, 4)),
    Column("currency", Text),
    Column("is_partner", Boolean),
    Column("signed_on", Date),
    Column("renewal_date", Date),
    Column("created_at", DateTime(timezone=True)),
    Column("login_at", DateTime(timezone=True)),
    Column("facts", JSONB(none_as_null=True)),
)
_PLAIN = {
    "name": TEXT.maybe(),
    "tier": TEXT.maybe(),
    "tags": list_of(TEXT).maybe(),
    "seats": NUMBER.maybe(),
    "used": NUMBER.maybe(),
    "rate": NUMBER.maybe(),
    "currency": TEXT.maybe(),
    "is_partner": BOOL.maybe(),
    "signed_on": DATE.maybe(),
    "renewal_date": DATE.maybe(),
    "created_at": DATETIME.maybe(),
    "login_at": DATETIME.maybe(),
}
_FACTS = {
    "score": NUMBER.maybe(),
    "band": TEXT.maybe(),
    "hot": BOOL.maybe(),
    "seen_on": DATE.maybe(),
    "seen_at": DATETIME.maybe(),
    "spend": MONEY.maybe(),
    "labels": list_of(TEXT).maybe(),
}
SCOPE = Scope(
    {
        "account": record({**_PLAIN, "mrr": MONEY.maybe(), "arr": MONEY.maybe(), "custom": record({}, open=True)}),
        "health": record(_FACTS),
    }
)
NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
TODAY = date(2026, 11, 23)

_WORDS = ("", "a", "A", "b", "growth", "Growth", "ä", "Ä", "ß", "Ζ", "ζ", "zz", "a b", "it's", 'say "hi"', "日本", "😀", "_")
texts = st.sampled_from(_WORDS)
numbers = st.one_of(
    st.integers(-5, 5),
    st.integers(-(10**12), 10**12),
    st.sampled_from([0.1, 0.5, 1.5, 2.5, -2.5, 99.995, 1e-7, 12345.678, 1 / 3, 1e15, 1e40, 1e-40, -0.0]),
    st.floats(-1e9, 1e9, allow_nan=False, width=32),
)
dates = st.one_of(
    st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    st.sampled_from([date(2024, 2, 29), date(2026, 1, 31), TODAY, date(1, 1, 1), date(9999, 12, 31), date(2026, 11, 22)]),
)
moments = st.one_of(
    st.integers(-60 * 86_400_000_000, 60 * 86_400_000_000).map(lambda step: NOW + timedelta(microseconds=step)),
    st.sampled_from([NOW, NOW - timedelta(days=30), NOW + timedelta(microseconds=1), datetime(1999, 1, 31, 23, 59, tzinfo=UTC)]),
)
amounts = st.one_of(st.decimals(-1000, 1000, places=4), st.sampled_from([Decimal(0), Decimal(500), Decimal("499.9999"), Decimal(12)]))
currencies = st.sampled_from(["EUR", "USD"])
moneys = st.builds(Money, amounts, currencies)


def _maybe(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return st.none() | values


_custom_values = st.one_of(st.none(), numbers, texts, st.booleans(), dates, moments, st.lists(texts, max_size=2))
rows = st.fixed_dictionaries(
    {
        "name": _maybe(texts),
        "tier": _maybe(texts),
        "tags": st.none() | st.lists(texts, max_size=3),
        "seats": _maybe(st.integers(-3, 3) | st.integers(-(2**31), 2**31 - 1)),
        "used": _maybe(numbers.map(float)),
        "rate": st.none() | st.decimals(-1000, 1000, places=6),
        "mrr": st.none() | amounts,
        "mrr_currency": st.none() | currencies,
        "arr": st.none() | amounts,
        "currency": st.none() | currencies,
        "is_partner": _maybe(st.booleans()),
        "signed_on": _maybe(dates),
        "renewal_date": _maybe(dates),
        "created_at": _maybe(moments),
        "login_at": _maybe(moments),
        "facts": st.fixed_dictionaries(
            {},
            optional={
                "score": _maybe(numbers),
                "band": _maybe(texts),
                "hot": _maybe(st.booleans()),
                "seen_on": _maybe(dates),
                "seen_at": _maybe(moments),
                "spend": _maybe(moneys),
                "labels": st.none() | st.lists(texts, max_size=3),
                "custom": st.fixed_dictionaries({}, optional={"x": _custom_values, "y": _custom_values}),
            },
        ),
    }
)


def stored(row: dict[str, Value]) -> dict[str, object]:
    """The row as it is inserted."""
    return {**row, "facts": to_json(row["facts"])}


def remembered(row: dict[str, Value]) -> dict[str, object]:
    """The environment of the same account."""
    facts = from_json(to_json(row["facts"]))
    assert isinstance(facts, dict)
    account: dict[str, Value] = {name: row[name] for name in _PLAIN}
    account["rate"] = _number(row["rate"])
    account["mrr"] = _money(row["mrr"], row["mrr_currency"])
    account["arr"] = _money(row["arr"], row["currency"])
    account["custom"] = facts.pop("custom", None)
    return {"account": account, "health": facts, "now": NOW, "today": TODAY}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, Decimal) else None


def _money(amount: object, currency: object) -> Value:
    return Money(amount, currency) if isinstance(amount, Decimal) and isinstance(currency, str) else None


def column(path: tuple[str, ...]) -> ColumnElement[object] | None:
    """The column of a path, as the storage room would give it."""
    match path:
        case ("account", "mrr"):
            return case((TABLE.c.mrr_currency.is_not(None), TABLE.c.mrr))
        case ("account", "mrr", "currency"):
            return TABLE.c.mrr_currency
        case ("account", "arr"):
            return case((TABLE.c.currency.is_not(None), TABLE.c.arr))
        case ("account", name) if name in _PLAIN:
            return TABLE.c[name]
        case ("account", "custom", name):
            return TABLE.c.facts["custom"][name]
        case ("health", name) if name in _FACTS:
            return TABLE.c.facts[name]
    return None
