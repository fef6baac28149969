from __future__ import annotations

import os
from pathlib import Path

import pytest

from playbook_dsl.compiler import Compiled, compile_playbook
from playbook_dsl.diagnostics import render_all
from tests.playbook_dsl.catalogs import CATALOG

CASES = Path(__file__).parent / "cases"
BAD = sorted((CASES / "bad").glob("*.yaml"))
GOOD = sorted((CASES / "good").glob("*.yaml"))
# `REGOLD=1 pytest tests/playbook_dsl/test_cases.py` writes what the compiler says now; read the difference before you commit it.
REGOLD = bool(os.environ.get("REGOLD"))


def compiled(case: Path) -> Compiled:
    """A case is compiled as `playbook.yaml`, or under the name its first line gives: `# file: other.yaml`."""
    source = case.read_bytes()
    first = source.split(b"\n", 1)[0]
    path = first.removeprefix(b"# file: ").decode() if first.startswith(b"# file: ") else "playbook.yaml"
    return compile_playbook(source, CATALOG, path=path)


def golden(path: Path, actual: str) -> str:
    if REGOLD:
        path.write_text(actual)
    return path.read_text() if path.exists() else "(no golden file: run with REGOLD=1)"


@pytest.mark.parametrize("case", BAD, ids=lambda path: path.stem)
def test_a_mistake_is_told_with_its_place_and_what_to_do(case: Path) -> None:
    result = compiled(case)
    said = render_all(result.diagnostics, result.source)

    assert golden(case.with_suffix(".out"), said) == said
    assert said, "a bad playbook with nothing to say about it"


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.stem)
def test_a_good_playbook_compiles_to_its_plan(case: Path) -> None:
    result = compiled(case)
    said = render_all(result.diagnostics, result.source)

    plan = result.plan
    assert plan is not None, said
    shown = plan.model_dump_json(by_alias=True, exclude_defaults=True, indent=1) + "\n"
    assert golden(case.with_suffix(".json"), shown) == shown
    assert said == (golden(case.with_suffix(".out"), said) if said else "")
