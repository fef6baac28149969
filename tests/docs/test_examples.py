"""Every playbook in the documents compiles: ```yaml playbook is a whole file, ```yaml steps a list of steps, ```yaml head all but steps."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.workspace import catalog_for
from playbook_dsl.compiler import compile_playbook
from playbook_dsl.diagnostics import render_all

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "playbooks").rglob("README.md")),
]
FENCE = re.compile(r"^(?P<indent> *)```yaml(?P<kind>[ \w]*)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)
STANDS_FOR: dict[str, Callable[[str], str]] = {
    "steps": lambda body: f"playbook: example\nsteps:\n{textwrap.indent(body, '  ')}",
    "head": lambda body: f"playbook: example\n{body}\nsteps:\n  - {{id: log, note.add: {{text: Started}}}}\n",
    "playbook": lambda body: body,
}


def examples() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        for match in FENCE.finditer(text):
            body = textwrap.dedent(match["body"])
            kind = match["kind"].strip() or ("playbook" if body.startswith("playbook:") else "")
            if kind:
                line = text[: match.start()].count("\n") + 1
                found.append((f"{page.relative_to(ROOT)}:{line}", STANDS_FOR[kind](body)))
    return found


@pytest.mark.parametrize("text", [pytest.param(text, id=where) for where, text in examples()])
def test_every_example_compiles_without_a_warning(text: str) -> None:
    catalog = catalog_for(ROOT / "playbooks" / "playbook.yaml")
    compiled = compile_playbook(text, catalog, path="playbook.yaml")

    assert render_all(compiled.diagnostics, compiled.source) == ""
    assert compiled.plan is not None


def test_there_are_examples() -> None:
    assert len(examples()) > 20
