"""Plays run outside of the SDK's sandbox: what it would refuse is refused here, and also in the interpreter, where it never looked."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.tree import ROOT, python_files, where

# What runs inside a workflow. The import contract "Plays know no clock..." names the same modules.
WORKFLOW_CODE = (
    "workflows/interpreter/",
    "workflows/playbook_run.py",
    "workflows/temporal_play.py",
    "workflows/temporal_runtime.py",
    "workflows/event_groups.py",
    "workflows/messages.py",
    "workflows/override.py",
    "workflows/starting.py",
    "workflows/patience.py",
    "workflows/scoring.py",
    "workflows/sweep.py",
    "workflows/sync.py",
    "playbook_dsl/expressions/evaluate.py",
    "playbook_dsl/timing/",
)
FORBIDDEN_CALLS = {"open", "input", "print", "eval", "exec", "breakpoint"}
# Of datetime, date and asyncio: the process's clock, and waiting in the order of a set.
FORBIDDEN_METHODS = {"utcnow", "today", "fromtimestamp", "as_completed", "run_in_executor", "to_thread"}


def faults(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            yield node.lineno, node.func.id
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if node.attr in FORBIDDEN_METHODS or name in {"datetime.now", "asyncio.wait", "asyncio.gather"}:
                yield node.lineno, name


def test_workflow_code_reads_no_clock_and_does_no_io() -> None:
    files = [path for path in python_files() if where(path).startswith(WORKFLOW_CODE)]
    found = [f"{where(path)}:{line} {name}" for path in files for line, name in faults(ast.parse(path.read_text()))]

    assert len(files) > len(WORKFLOW_CODE)
    assert all((ROOT / name).exists() for name in WORKFLOW_CODE)
    assert found == []


def test_the_rule_finds_what_it_looks_for() -> None:
    source = (
        "import datetime as d\ndatetime.now(UTC)\nd.date.today()\nopen('x')\nasyncio.as_completed([])\nworkflow.now()\nself.runtime.now()\n"
    )

    assert [name for _, name in sorted(faults(ast.parse(source)))] == ["datetime.now", "d.date.today", "open", "asyncio.as_completed"]
