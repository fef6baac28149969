from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from playbook_dsl.expressions.evaluate import EvaluationError, evaluator
from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.values import Duration, Money, Value
from tests.playbook_dsl.expressions.book import ENV


def eur(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


ANSWERS: dict[str, Value] = {
    # numbers
    "1 + 2 * 3": 7,
    "7 / 2": 3.5,
    "7 % 3": 1,
    "-7 % 3": 2,
    "7.5 % 2": 1.5,
    "-(3 - 5)": 2,
    "0.1 + 0.2 == 0.3": False,
    "account.seats / 0": None,
    "account.seats % 0": None,
    "9007199254740992 + 1": 9007199254740992.0,
    # missing: arithmetic gives missing, a comparison gives no
    "account.used + 1": None,
    "account.used < 3": False,
    "not (account.used < 3)": True,
    "account.used != 3": False,
    "account.used == account.used": False,
    "account.used is missing": True,
    "account.used is not missing": False,
    "account.nothing.at.all is missing": True,
    "account.is_paying": None,
    "not account.is_paying": True,
    "account.is_paying or true": True,
    "account.tier in ['growth']": False,
    "account.tier not in ['growth']": False,
    "not (account.tier in ['growth'])": True,
    "1 if account.is_paying else 2": 2,
    "account.tier == account.status": False,
    # values of another kind than the checker knew count as missing
    "event.kind > 3": False,
    "event.kind + 3": None,
    "event.amount > 3": True,
    "event.kind == 3": False,
    "event.kind != 3": False,
    "true == 1": False,
    # texts
    "'a' + 'b'": "ab",
    "'a' < 'b' and 'B' < 'a'": True,
    "lower('ÄRZTE ΑΒ')": "ärzte αβ",
    "upper('straße')": "STRAßE",
    "len('日本')": 2,
    "contains('churn', 'ur')": True,
    "starts_with('churn', 'ur')": False,
    "contains(account.tier, 'a')": False,
    # lists and records
    "account.tags[0]": "vip",
    "account.tags[-1]": "beta",
    "account.tags[2]": None,
    "account.contacts[0].role": "champion",
    "len(account.contacts)": 2,
    "'vip' in account.tags": True,
    "'vip' not in account.tags": False,
    "contains(account.tags, 'vip')": True,
    "[1, account.used]": [1, None],
    "2 in [1, 2.0]": True,
    "account.custom['points']": 12,
    "tables.severity['high'].leader": "Kim",
    "account.from": "web",
    # money
    "account.mrr > 500 EUR": True,
    "account.mrr > 500": True,
    "account.mrr > 500 USD": False,
    "account.mrr != 500 USD": False,
    "account.mrr * 1.1": eur("990"),
    "2 * account.mrr": eur("1800"),
    "account.mrr / 4": eur("225"),
    "account.mrr / 0": None,
    "account.mrr / account.arr < 0.1": True,
    "account.mrr + 0.50 EUR": eur("900.50"),
    "account.mrr - 1 USD": None,
    "-account.mrr": eur("-900"),
    "round(10.555 EUR, 2)": eur("10.56"),
    "sum(account.invoices)": eur("30.5"),
    "max(account.invoices)": eur("20.5"),
    # dates and durations
    "account.renewal_date - today": Duration(days=69),
    "account.renewal_date - today < 90 days": True,
    "account.renewal_date - today < 2 months": False,
    "account.renewal_date - today > 2 months": True,
    "3 months > account.renewal_date - today": True,
    "account.renewal_date - today <= 50 business days": True,
    "account.renewal_date - today <= 49 business days": False,
    "account.signed_on + 1 month": date(2026, 2, 28),
    "account.signed_on - 2 months": date(2025, 11, 30),
    "today + 3 business days": date(2026, 11, 26),
    "today - 1 business day": date(2026, 11, 20),
    "today + days(account.seats)": date(2027, 1, 2),
    "today + 36 hours": date(2026, 11, 24),
    "today + 1 quarter + 1 year": date(2028, 2, 23),
    "now + 1 month": datetime(2026, 12, 23, 7, tzinfo=UTC),
    "now + 90m": datetime(2026, 11, 23, 8, 30, tzinfo=UTC),
    "now - account.created_at > 1 year": True,
    "1 week == 7 days and 1 day == 24 hours": True,
    "1 month > 30 days": True,
    "days_between(today, account.renewal_date)": 69,
    "days_between(account.renewal_date, today)": -69,
    "days_between(now, now + 36 hours)": 1.5,
    "business_days_between(today, today + 7 days)": 5,
    "max(today, account.signed_on)": date(2026, 11, 23),
    "today + 100000 days + 100000 days": date(2574, 6, 23),
    "today" + " - 100000 days" * 8: None,
    "account.last_login_at < now": False,
    # functions
    "default(account.used, 5)": 5,
    "coalesce(account.used, health.score, 1)": 49.5,
    "round(2.5)": 3,
    "round(-2.5)": -3,
    "round(2.675, 2)": 2.68,
    "round(1234, -2)": 1200,
    "min(3, 1, 2)": 1,
    "min(3, account.used)": None,
    "min([3, account.used])": 3,
    "max([])": None,
    "sum(account.scores)": 12.5,
    "sum([])": 0,
    "any([account.is_paying, account.seats > 3])": True,
    "all(account.is_partner, true)": False,
    "all([])": True,
    "count_true(account.seats > 3, account.is_paying, true)": 2,
    "percent_change(50, 40)": -20.0,
    "percent_change(0, 40)": None,
    "percent_change(account.mrr, 450 EUR)": -50.0,
    "in_play('x')": False,
    "open_tasks()": 0,
    "'high' if account.mrr > 5000 EUR else 'low'": "low",
    "1 < account.seats < 100": True,
}


@pytest.mark.parametrize(("source", "answer"), ANSWERS.items(), ids=str)
def test_an_expression_has_its_answer(source: str, answer: Value) -> None:
    got = evaluator(source)(ENV)

    assert got == answer
    assert type(got) is type(answer)


def test_business_days_follow_the_calendar_of_the_run() -> None:
    closed = BusinessCalendar(zone="Europe/Berlin", closed=(date(2026, 11, 24),))

    assert evaluator("today + 1 business day")({**ENV, "$calendar": closed}) == date(2026, 11, 25)


def test_days_keep_the_time_of_day_of_the_zone_when_clocks_change() -> None:
    before = datetime(2026, 10, 24, 10, tzinfo=UTC)  # noon in Berlin; clocks go back that night

    assert evaluator("now + 1 day")({"now": before, "$zone": "Europe/Berlin"}) == datetime(2026, 10, 25, 11, tzinfo=UTC)
    assert evaluator("now + 24 hours")({"now": before, "$zone": "Europe/Berlin"}) == datetime(2026, 10, 25, 10, tzinfo=UTC)


def test_questions_to_the_outside_go_through_the_environment() -> None:
    asked = {**ENV, "$in_play": lambda slug: slug == "negotiation", "$open_tasks": lambda: 3}

    assert evaluator("in_play('negotiation') and not in_play('x') and open_tasks() == 3")(asked) is True


def test_a_bare_number_beside_money_of_another_currency_than_the_accounts_is_not_compared() -> None:
    account = {"mrr": eur("900"), "currency": "USD"}

    assert evaluator("account.mrr > 500")({"account": account}) is False
    assert evaluator("account.mrr > 500")({"account": {"mrr": eur("900")}}) is True


@pytest.mark.parametrize("source", ["sum(account.many)", "3 in account.many", "len(account.many) > 1"])
def test_a_list_over_the_budget_is_refused(source: str) -> None:
    with pytest.raises(EvaluationError, match="too long"):
        evaluator(source)({"account": {"many": [1] * 10_001}})


def test_a_text_over_the_budget_is_refused() -> None:
    with pytest.raises(EvaluationError, match="100000 characters"):
        evaluator("a + a")({"a": "x" * 60_000})


def test_what_is_no_expression_has_no_evaluator() -> None:
    with pytest.raises(EvaluationError, match="ends after"):
        evaluator("1 +")
