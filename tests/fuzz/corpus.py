"""What the fuzzer starts from: the real playbooks, the golden cases, and words that have a meaning somewhere in the language."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
# Words that YAML, the expressions, the time rules or the templates read in a special way, and values at the edge of a type.
NASTY = [
    *("on", "yes", "no", "null", "~", "true", "False", "NaN", ".inf", "-0", "1e999", "0x1f", "12:30", "2026-02-30", "99999999999999999999"),
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "{{ }}",
        "{{ x",
        "{{ '}}' }}",
        "{#",
        "#",
        "'",
        '"',
        "`",
        "\\",
        "\\u0000",
        "|",
        ">",
        "|-",
        "&a",
        "*a",
        "<<",
        "!!python/object",
    ),
    *("- ", ": ", "? ", "---", "...", "%YAML 9.9", "\t", "\r", "\u2028", "\u202e", "\ufeff", "\x85", "é", "ẞ", "中", "🦊", "İ"),
    *("3 business days", "-5 days", "0 days", "999999999999 months", "3 months 2 days", "10m", "4 working hours", "500 EUR", "500 XXX"),
    *(
        "18:00-08:00 and weekends",
        "25:00-99:00",
        "* * * * *",
        "0 7 * * 1-5",
        "Europe/Berlin",
        "Mars/Base",
        "next monday",
        "15%",
        "150%",
        "-1%",
    ),
    *(
        "account.mrr",
        "account.__class__",
        "steps.x.y",
        "at_start.health.score",
        "lambda: 0",
        "x for x in y",
        "a if b else c",
        "not",
        "in",
        "is missing",
    ),
    *(
        "round_robin()",
        "role:",
        "all(champion)",
        "csm",
        "champion",
        "(" * 60,
        "[" * 60,
        "{" * 60,
        "not " * 60,
        "1+" * 300,
        "a." * 300,
        "9" * 400,
    ),
]


@cache
def files() -> tuple[str, ...]:
    """Every playbook of the library and every golden case. The good ones come as often as the bad: one break makes a bad one of them."""
    library = [path for path in sorted((ROOT / "playbooks").rglob("*.yaml")) if not path.stem.endswith(".test")]
    good, bad = (sorted((ROOT / "tests" / "playbook_dsl" / "cases" / kind).glob("*.yaml")) for kind in ("good", "bad"))
    whole = [*library, *good]
    paths = [*whole * max(1, len(bad) // len(whole)), *bad]
    return tuple(path.read_bytes().decode("utf-8", "surrogateescape") for path in paths)


@cache
def words() -> tuple[str, ...]:
    """Every word of the corpus, and the nasty ones as often as all others together would need."""
    found = sorted({token for text in files() for token in TOKEN.findall(text) if token.strip()})
    return (*found, *NASTY * max(1, len(found) // (4 * len(NASTY))))
