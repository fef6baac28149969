from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from playbook_dsl.expressions.evaluate import EvaluationError
from playbook_dsl.expressions.template import Piece, check_text, evaluate_node, split_template
from playbook_dsl.lower.values import text as text_node
from playbook_dsl.types import BOOL, NUMBER, TEXT, Type, list_of, one_of
from playbook_dsl.values import Duration, Json, Money, Value, to_json
from tests.playbook_dsl.expressions.book import ENV, SCOPE


def render(text: str, env: Mapping[str, object]) -> Value:
    return evaluate_node(text_node(text), env)


SPLITS: dict[str, tuple[str | Piece, ...]] = {
    "": (),
    "plain": ("plain",),
    "{{ a }}": (Piece(" a ", 2, 0, 7),),
    "x {{a}} y {{ b }}": ("x ", Piece("a", 4, 2, 7), " y ", Piece(" b ", 12, 10, 17)),
    '{{ "}}" }}': (Piece(' "}}" ', 2, 0, 10),),
    "{{ '{{' }}": (Piece(" '{{' ", 2, 0, 10),),
    "{{ a": (Piece(" a", 2, 0, 4, closed=False),),
    "{{ a {{ b }}": (Piece(" a ", 2, 0, 5, closed=False), Piece(" b ", 7, 5, 12)),
    "{{ 'a }} b": (Piece(" 'a ", 2, 0, 8), " b"),
    "a }} b": ("a }} b",),
    "{ { a } }": ("{ { a } }",),
}


@pytest.mark.parametrize(("text", "parts"), SPLITS.items(), ids=str)
def test_a_text_is_cut_at_its_expressions(text: str, parts: tuple[str | Piece, ...]) -> None:
    assert split_template(text) == parts


# text, expected type, what is wrong: (code, the part pointed at)
CHECKS: list[tuple[str, Type | None, list[tuple[str, str]]]] = [
    ("Call {{ account.name }}", TEXT, []),
    ("Call {{ account.nme }} and {{ health.scor }}", TEXT, [("PB202", "nme"), ("PB202", "scor")]),
    ("{{ account.seats }}", NUMBER, []),
    ("{{ account.seats }}", TEXT, []),
    ("{{ account.used }}", NUMBER, [("PB306", "account.used")]),
    ("{{ account.tier }}", TEXT, [("PB306", "{{ account.tier }}")]),
    ("{{ account.tier }}", TEXT.maybe(), []),
    ("at {{ account.tier }}", TEXT, [("PB319", "{{ account.tier }}")]),
    ("at {{ default(account.tier, 'no') }}", TEXT, []),
    ("{{ account.contacts }}", TEXT, [("PB318", "{{ account.contacts }}")]),
    ("at {{ account.custom }}", None, [("PB318", "{{ account.custom }}")]),
    ("{{ account.tags }}", TEXT, []),
    ("{{ account.tags }}", list_of(TEXT), []),
    ("{{ account.name", TEXT, [("PB213", "{{")]),
    ("{{ }}", TEXT, [("PB221", " ")]),
    ("{{}}", TEXT, [("PB221", "")]),
    ("{% if x %}a{% endif %}", TEXT, [("PB212", "{%"), ("PB212", "{%")]),
    ("plain", NUMBER, [("PB305", "plain")]),
    ("low", one_of("low", "high"), []),
    ("lo", one_of("low", "high"), [("PB309", "lo")]),
    ("{{ 'lo' }}", one_of("low", "high"), []),
    (" {{ account.is_partner }} ", BOOL, []),
    ("{{ account.name | upper }}", TEXT, [("PB212", "|")]),
]


@pytest.mark.parametrize(("text", "expects", "wrong"), CHECKS, ids=str)
def test_a_text_is_checked_with_places_in_the_text(text: str, expects: Type | None, wrong: list[tuple[str, str]]) -> None:
    problems = check_text(text, SCOPE, expects).problems

    assert [(problem.code, text[problem.offset : problem.offset + problem.length]) for problem in problems] == wrong


def test_references_of_a_text_count_from_its_start() -> None:
    text = "Call {{ account.name }} of {{ account.seats }}"

    assert [text[found.offset : found.offset + found.length] for found in check_text(text, SCOPE, TEXT).references] == [
        "account.name",
        "account.seats",
    ]


PRINTED: dict[str, Value] = {
    "5": 5,
    "5.5": 5.5,
    "0.1": 0.1,
    "100000000000000000000": 1e20,
    "0.0000001": 1e-7,
    "500 EUR": Money(Decimal("500.0000"), "EUR"),
    "10.50 USD": Money(Decimal("10.5"), "USD"),
    "23 Nov 2026": date(2026, 11, 23),
    "23 Nov 2026 07:05": datetime(2026, 11, 23, 7, 5, tzinfo=UTC),
    "3 business days": Duration(business_days=3),
    "yes": True,
    "no": False,
    "a, 5": ["a", 5],
    "": None,
}


@pytest.mark.parametrize(("printed", "value"), PRINTED.items(), ids=str)
def test_a_value_prints_for_people(printed: str, value: Value) -> None:
    assert render("<{{ x }}>", {"x": value}) == f"<{printed}>"


def test_a_moment_prints_in_the_zone_of_the_run() -> None:
    assert render("at {{ now }}", {**ENV, "$zone": "Europe/Berlin"}) == "at 23 Nov 2026 08:00"


def test_a_single_expression_keeps_its_type_unless_text_is_wanted() -> None:
    assert render("{{ account.seats }}", ENV) == 40
    assert render(" {{ account.seats }} ", ENV) == 40
    assert render("{{ account.tags }}", ENV) == ["vip", "beta"]
    assert evaluate_node(text_node("{{ account.seats }}", wants_text=True), ENV) == "40"
    assert evaluate_node(text_node("{{ account.tier }}", wants_text=True), ENV) == ""


NODES: list[tuple[Json, Value]] = [
    ({"a": {"$expr": "account.seats"}, "b": ["x", {"$text": [{"$expr": "account.name"}, "!"]}]}, {"a": 40, "b": ["x", "Acmé!"]}),
    ({"$expr": "account.mrr"}, Money(Decimal("900"), "EUR")),
    ({"$text": ["of ", {"$expr": "account.name"}]}, "of Acmé"),
    (to_json(date(2026, 1, 2)), date(2026, 1, 2)),
    ({}, {}),
    (7, 7),
    (None, None),
    ("{{ account.name }}", "{{ account.name }}"),
]


@pytest.mark.parametrize(("node", "value"), NODES, ids=str)
def test_a_node_of_a_plan_is_evaluated_through_and_through(node: Json, value: Value) -> None:
    assert evaluate_node(node, ENV) == value


def test_a_rendered_value_is_not_rendered_again() -> None:
    assert render("Hi {{ x }}", {"x": "{{ y }}", "y": "secret"}) == "Hi {{ y }}"


def test_a_text_over_the_budget_is_refused() -> None:
    with pytest.raises(EvaluationError, match="100000 characters"):
        render("{{ a }}{{ a }}", {"a": "x" * 60_000})
