"""The page about scorecards is true: its card compiles and gives what the page says, its tables have every key and policy."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import get_args

from playbook_dsl.diagnostics import render_all
from playbook_dsl.scorecard.card import Card, Policy
from playbook_dsl.scorecard.compiler import compile_scorecard
from playbook_dsl.scorecard.parse import TOP_KEYS
from scoring.health import evaluate
from scoring.health_probability import LEAST_CHURNED, USUAL_SLOPE
from storage.fact_definitions import facts_of
from tests.house.tree import ROOT

PAGE = (ROOT / "docs/scorecards.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


def fence(kind: str) -> str:
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def the_card() -> Card:
    compiled = compile_scorecard(fence("yaml"), facts_of(None), path="default.yaml")
    assert render_all(compiled.diagnostics, compiled.source) == ""
    assert compiled.card is not None
    return compiled.card


def test_the_card_gives_what_the_page_says() -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    found = evaluate(the_card(), {**json.loads(fence("json")), "support": {}, "account": {}, "now": now, "today": now.date()})

    assert found.words == fence("text").strip()


def test_the_tables_have_every_key_and_every_policy() -> None:
    keys = re.findall(r"^\| `(\w+)` \|", PAGE.split("\n## Keys\n")[1].split("\n## ")[0], re.MULTILINE)
    policies = re.findall(r"^\| `?([\w ]+?)`? \|", PAGE.split("\n## What is missing\n")[1].split("\n## ")[0], re.MULTILINE)[1:]

    assert set(TOP_KEYS) <= set(keys)
    assert {"ramp", "points", "weight", "measure"} <= set(keys)
    assert policies == [{"fixed": "a number"}.get(policy, policy) for policy in get_args(Policy)]


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    assert f"at least {LEAST_CHURNED} were lost, else falling by {-USUAL_SLOPE} in log-odds" in PAGE


def test_there_is_a_recipe() -> None:
    assert "### Add a scorecard" in CONTRIBUTING
