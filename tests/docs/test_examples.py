<<<<<<< HEAD
from __future__ import annotations

import re

import pytest

from activities.catalog import plain_catalog
from playbook_dsl.compiler import compile_playbook
from tests.house.tree import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [
    pytest.param(source, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, source in enumerate(re.findall(r"^```yaml\n(playbook:.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL), 1)
]


@pytest.mark.parametrize("source", EXAMPLES)
def test_playbooks_in_the_documentation_compile_without_a_word(source: str) -> None:
    slug = source.split("\n", 1)[0].removeprefix("playbook:").split("#")[0].strip()

    compiled = compile_playbook(source, plain_catalog(), path=f"{slug}.yaml")

    assert [str(diagnostic) for diagnostic in compiled.diagnostics] == []
=======
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
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
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
>>>>>>> 98c48e2 (Write the language reference and the guide, with tables from the code and examples that compile)
