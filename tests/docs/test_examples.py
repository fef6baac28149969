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
