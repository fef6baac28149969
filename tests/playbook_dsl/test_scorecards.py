from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_dsl.diagnostics import render_all
from playbook_dsl.scorecard.card import Card
from playbook_dsl.scorecard.compiler import CompiledCard, compile_scorecard
from storage.fact_definitions import facts_of

CASES = Path(__file__).parent / "cards"
BAD = sorted((CASES / "bad").glob("*.yaml"))
GOOD = sorted((CASES / "good").glob("*.yaml"))
FACTS = facts_of(None)
# `REGOLD=1 pytest tests/playbook_dsl/test_scorecards.py` writes what the compiler says now; read the difference before you commit it.
REGOLD = bool(os.environ.get("REGOLD"))


def compiled(case: Path) -> CompiledCard:
    """A case is compiled as `scorecard.yaml`, or under the name its first line gives."""
    source = case.read_bytes()
    first = source.split(b"\n", 1)[0]
    path = first.removeprefix(b"# file: ").decode() if first.startswith(b"# file: ") else "scorecard.yaml"
    return compile_scorecard(source, FACTS, path=path)


def golden(path: Path, actual: str) -> str:
    if REGOLD:
        path.write_text(actual)
    return path.read_text() if path.exists() else "(no golden file: run with REGOLD=1)"


@pytest.mark.parametrize("case", BAD, ids=lambda path: path.stem)
def test_a_mistake_is_told_with_its_place_and_what_to_do(case: Path) -> None:
    result = compiled(case)
    said = render_all(result.diagnostics, result.source)

    assert golden(case.with_suffix(".out"), said) == said
    assert result.card is None
    assert any(one.is_error for one in result.diagnostics)


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.stem)
def test_a_good_scorecard_compiles_to_its_card(case: Path) -> None:
    result = compiled(case)

    assert render_all(result.diagnostics, result.source) == ""
    assert result.card is not None
    shown = result.card.model_dump_json(exclude_defaults=True, indent=1) + "\n"
    assert golden(case.with_suffix(".json"), shown) == shown
    assert Card.model_validate_json(shown) == result.card


def test_the_digest_is_of_what_is_said_and_not_of_how() -> None:
    plain = (CASES / "good" / "least.yaml").read_text()
    first, second = compile_scorecard(plain, FACTS).card, compile_scorecard("# a comment\n" + plain, FACTS).card
    other = compile_scorecard(plain.replace("-50", "-51"), FACTS).card

    assert first is not None
    assert second is not None
    assert other is not None
    assert first.digest() == second.digest() != other.digest()


_PIECES = [line for case in (*BAD, *GOOD) for line in case.read_text().splitlines()]


@given(st.lists(st.sampled_from(_PIECES), max_size=30).map("\n".join) | st.text(max_size=200))
def test_whatever_the_text_the_compiler_answers(text: str) -> None:
    result = compile_scorecard(text, FACTS)

    assert (result.card is None) == any(one.is_error for one in result.diagnostics)
