from __future__ import annotations

from pathlib import Path

from scoring.intake import CHECKS
from scoring.observations import KINDS
from storage.observed_events import OBSERVED

PAGE = (Path(__file__).parents[2] / "docs" / "observations.md").read_text(encoding="utf-8")


def test_the_page_says_what_each_kind_may_say() -> None:
    told = [line for line in PAGE.splitlines() if line.startswith("| `") and line.count("|") == 4]

    assert told == [f"| `{kind}` | `{name}` | {words} |" for kind, values in KINDS.items() for name, words in values.items()]
    assert {kind: set(values) for kind, values in KINDS.items()} == {kind: set(checks) for kind, checks in CHECKS.items()}


def test_the_page_names_the_events_that_are_observed() -> None:
    assert [name for name in OBSERVED if f"`{name}`" not in PAGE] == []
