"""The reference of findings: made from the table of codes and the golden cases, so that its examples are what the compiler says."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playbook_dsl.codes import CODES, FAMILIES
from playbook_dsl.expressions.problems import CODES as OF_EXPRESSIONS

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference" / "diagnostics.md"
CASES = (Path(__file__).parent / "cases" / "bad", Path(__file__).parent / "cards" / "bad")
# Too large to stand in a file of the tests; tests of their own make them.
WITHOUT_EXAMPLE = {"PB102", "PB118", "PB119"}
HEAD = """# What the compiler says

Every finding has a place, a code that stays the same, and where it helps a hint.
Errors keep a playbook from being published; warnings do not.
`playkeeper check FILE` prints them, `--json` gives them to other programs.

This page is made from the table of codes and the compiler's own test cases: `REGOLD=1 pytest tests/playbook_dsl/test_reference.py`.
"""


def outputs() -> dict[str, str]:
    """The shortest case of every code, of playbooks before scorecards: what the compiler prints for it."""
    found: dict[str, str] = {}
    files = [path for folder in CASES for path in sorted(folder.glob("*.out"), key=lambda path: (path.stat().st_size, path.name))]
    for path in files:
        for finding in re.split(r"\n(?=\S+:\d+:\d+: )", path.read_text().rstrip("\n")):
            code = re.search(r"\[(PB\d+)\]$", finding.split("\n", 1)[0])
            if code:
                found.setdefault(code[1], finding)
    return found


def reference() -> str:
    examples = outputs()
    parts = [HEAD]
    for family, title in FAMILIES.items():
        parts.append(f"\n## {family}: {title.lower()}\n")
        for code in sorted(code for code in CODES if code.startswith(family)):
            parts.append(f"\n### {code}\n\n{CODES[code][0].upper()}{CODES[code][1:]}.\n")
            if code in examples:
                parts.append(f"\n```text\n{examples[code]}\n```\n")
    return "".join(parts)


def test_the_reference_tells_what_the_compiler_says() -> None:
    made = reference()
    if os.environ.get("REGOLD"):
        REFERENCE.parent.mkdir(parents=True, exist_ok=True)
        REFERENCE.write_text(made)

    assert made == REFERENCE.read_text()


def test_every_code_in_the_source_is_in_the_table() -> None:
    sources = [path for path in (ROOT / "playbook_dsl").rglob("*.py") if path.name != "codes.py"]
    used = {code for path in sources for code in re.findall(r'"(PB\d{3})"', path.read_text())}

    assert used - set(CODES) == set()


def test_every_code_of_the_compiler_has_a_case_that_shows_it() -> None:
    own = set(CODES) - set(OF_EXPRESSIONS)  # those of expressions have cases of their own

    assert own - set(outputs()) - WITHOUT_EXAMPLE == set()
