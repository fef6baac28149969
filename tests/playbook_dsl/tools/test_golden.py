"""`REGOLD=1 pytest tests/playbook_dsl/tools/test_golden.py` writes what is said now; read the difference before you commit it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from playbook_dsl.compiler import compile_playbook
from playbook_dsl.diagnostics import render_all
from playbook_dsl.diff.plans import compare, render, to_json
from playbook_dsl.explain.coverage import coverage_words, undo_of_steps
from playbook_dsl.explain.play import explain
from playbook_dsl.graph import draw, to_mermaid
from playbook_dsl.plan import Plan
from tests.playbook_dsl.catalogs import CATALOG

HERE = Path(__file__).parent
GOOD = HERE.parent / "cases" / "good"
EXPLAINED = sorted((HERE / "golden" / "explain").glob("*.txt"))
DRAWN = sorted((HERE / "golden" / "graph").glob("*.mmd"))
COMPARED = sorted(path for path in (HERE / "golden" / "diff").iterdir() if path.is_dir())


def plan_at(path: Path) -> Plan:
    compiled = compile_playbook(path.read_bytes(), CATALOG, path="playbook.yaml")
    assert compiled.plan is not None, render_all(compiled.diagnostics, compiled.source)
    return compiled.plan


def golden(path: Path, actual: str) -> str:
    if os.environ.get("REGOLD"):
        path.write_text(actual)
    return path.read_text()


@pytest.mark.parametrize("path", EXPLAINED, ids=lambda path: path.stem)
def test_a_play_is_explained_in_plain_words(path: Path) -> None:
    said = explain(plan_at(GOOD / f"{path.stem}.yaml"), CATALOG)

    assert golden(path, said) == said


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.stem)
def test_a_play_is_drawn(path: Path) -> None:
    drawn = to_mermaid(draw(plan_at(GOOD / f"{path.stem}.yaml"), CATALOG))

    assert golden(path, drawn) == drawn


@pytest.mark.parametrize("folder", COMPARED, ids=lambda path: path.name)
def test_two_versions_are_compared_in_words(folder: Path) -> None:
    before, after = plan_at(folder / "before.yaml"), plan_at(folder / "after.yaml")
    changes = compare(before, after)
    said = render(changes)

    assert golden(folder / "diff.txt", said) == said
    assert len(json.loads(json.dumps(to_json(before, after, changes)))["changes"]) == len(changes)


@pytest.mark.parametrize("path", sorted(GOOD.glob("*.yaml")), ids=lambda path: path.stem)
def test_explain_and_check_agree_on_the_undo_coverage(path: Path) -> None:
    compiled = compile_playbook(path.read_bytes(), CATALOG, path="playbook.yaml")
    assert compiled.plan is not None
    assert compiled.coverage is not None

    found = undo_of_steps(compiled.plan, CATALOG)

    assert [one.step_id for one in found if one.how == "stays"] == list(compiled.coverage.not_undone)
    assert len(found) == compiled.coverage.total
    assert not found or coverage_words(found).startswith(f"{compiled.coverage.undoable} of {compiled.coverage.total}")
