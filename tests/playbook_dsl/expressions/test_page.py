"""The page on expressions is true: every answer on it is computed, every function, limit and code is on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from playbook_dsl.expressions.canonical import canonical, write_value
from playbook_dsl.expressions.check import check
from playbook_dsl.expressions.evaluate import evaluator
from playbook_dsl.expressions.problems import CODES
from playbook_dsl.expressions.read import read
from playbook_dsl.expressions.signatures import SIGNATURES
from playbook_dsl.values import Value
from tests.playbook_dsl.expressions.book import ENV, SCOPE

PAGE = (Path(__file__).parents[3] / "docs" / "expressions.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if line.startswith("| ")]
CODED = [row for row in ROWS if len(row) in (2, 4) and row[-2].startswith("`") and row[-1].startswith("`")]
EXAMPLES = [(row[-2].strip("`"), row[-1].strip("`")) for row in CODED]


def written(value: Value) -> str:
    tree = read(write_value(value)).tree
    return canonical(tree) if tree is not None else str(value)


@pytest.mark.parametrize(("source", "answer"), EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_an_example_has_the_answer_it_says(source: str, answer: str) -> None:
    assert check(source, SCOPE).errors == ()
    assert written(evaluator(source)(ENV)) == answer


def test_the_page_names_every_function() -> None:
    assert [row[0].split("(")[0].strip("`") for row in ROWS if len(row) == 4 and row[0].startswith("`")] == sorted(SIGNATURES)


def test_the_page_names_every_code() -> None:
    assert {row[0]: row[1] for row in ROWS if re.fullmatch(r"PB\d+", row[0])} == CODES


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 40
