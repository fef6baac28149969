"""The conformance kit of enrollment, read: what is there, who comes, and what must become of it.

A case is data (`cases/*.yaml`). `runs` says how it is played: its first entries by `decide` alone, all of it by the database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from cli.workspace import catalog_for
from playbook_dsl.compiler import compile_playbook
from playbook_dsl.diagnostics import render_all
from playbook_dsl.plan import Plan

Tree: TypeAlias = Any
"""A part of a case as it stands in the file."""

FOLDER = Path(__file__).parent / "cases"
ROOT = Path(__file__).resolve().parents[2]
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
"""When a case plays, where it does not say: 10 o'clock in Berlin, where the team is."""
ACCOUNT = "a"
"""The account of a case that names none."""

_BEFORE = re.compile(r"(?P<sign>[+-])(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?")


@dataclass(frozen=True)
class Case:
    """One document of a file. `acts` happen in turn; see `docs` at the head of `cases/again.yaml`."""

    name: str
    number: int
    enroll: Tree
    goal: Tree
    accounts: dict[str, Tree]
    history: list[Tree]
    now: datetime
    acts: list[Tree]
    tenant: Tree
    exemptions: list[Tree] = field(default_factory=list)
    arms: dict[str, Tree] = field(default_factory=dict)
    existed: list[str] = field(default_factory=list)
    launches: dict[str, Tree] = field(default_factory=dict)
    plays: dict[str, list[str]] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """Give a playbook of the case's own, so that cases share a database."""
        return f"case-{self.number}"

    def plan(self, enroll: Tree = None) -> Plan:
        """Compile the playbook, with another `enroll` for a later version."""
        return compiled(self.slug, yaml.safe_dump(enroll or self.enroll), yaml.safe_dump(self.goal) if self.goal else "")

    def at(self, text: str | None) -> datetime | None:
        """Read a moment: ISO, or so long before or after `now` (`-60d`, `+1d12h`)."""
        return None if text is None else moment(text, self.now)


def moment(text: str, now: datetime) -> datetime:
    """Read a moment; days are of 24 hours."""
    if text == "now":
        return now
    if match := _BEFORE.fullmatch(text):
        span = timedelta(**{name: int(match[name] or 0) for name in ("days", "hours", "minutes", "seconds")})
        return now - span if match["sign"] == "-" else now + span
    return datetime.fromisoformat(text)


@lru_cache(maxsize=1000)
def compiled(slug: str, enroll: str, goal: str) -> Plan:
    """Compile a small playbook around an `enroll`.

    Raises:
        AssertionError: with what the compiler says.
    """
    document = {
        "playbook": slug,
        "title": "Case",
        "enroll": yaml.safe_load(enroll),
        "steps": [{"id": "log", "note.add": {"text": "Began"}}],
    }
    if goal:
        document["goal"] = yaml.safe_load(goal)
    found = compile_playbook(yaml.safe_dump(document, sort_keys=False), catalog_for(ROOT / "playbooks" / "playbook.yaml"))
    errors = [one for one in found.diagnostics if one.severity == "error"]
    assert found.plan is not None, render_all(errors, found.source)
    return found.plan


def load_cases() -> list[Case]:
    """Read all cases, in a stable order."""
    found: list[Case] = []
    for path in sorted(FOLDER.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if document is not None:
                found.append(_case(path.stem, len(found), document))
    return found


_KEYS = {
    *("case", "enroll", "goal", "account", "accounts", "history", "now", "comes", "expect", "acts", "tenant", "exemptions", "arm", "arms"),
    *("existed", "launches", "plays", "others"),
}


def _case(area: str, number: int, document: dict[str, Tree]) -> Case:
    assert set(document) <= _KEYS, f"{document['case']}: {sorted(set(document) - _KEYS)}"
    now = datetime.fromisoformat(document["now"]) if "now" in document else MONDAY
    accounts = document.get("accounts") or {ACCOUNT: document.get("account") or {}}
    acts = list(document.get("acts") or [])
    if "comes" in document:
        acts.insert(0, {"enter": document["comes"] or {}, "expect": document["expect"]})
    return Case(
        name=f"{area}: {document['case']}",
        number=number,
        enroll=document.get("enroll") or {},
        goal=document.get("goal"),
        accounts={name: facts or {} for name, facts in accounts.items()},
        history=[*(document.get("history") or []), *_others(document.get("others") or [])],
        now=now,
        acts=acts,
        tenant={"zone": "Europe/Berlin", **(document.get("tenant") or {})},
        exemptions=document.get("exemptions") or [],
        arms=document.get("arms") or ({ACCOUNT: document["arm"]} if "arm" in document else {}),
        existed=document.get("existed") or [],
        launches=document.get("launches") or {},
        plays=document.get("plays") or {},
    )


def _others(given: list[Tree]) -> list[Tree]:
    """Spread `{count: 3, state: active, …}` over accounts that do nothing but take room."""
    rows: list[Tree] = []
    for one in given:
        rows += [{**one, "account": f"other-{len(rows) + number}"} for number in range(one["count"])]
    for row in rows:
        row.pop("count")
    return rows
