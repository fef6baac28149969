"""What the READMEs of the playbook library say by themselves: which connections a playbook uses, and what can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cli.workspace import LIBRARY, catalog_for, compile_file
from connectors.registry import VENDORS
from playbook_dsl.compiler import Compiled
from playbook_dsl.coverage import Coverage
from playbook_dsl.explain.coverage import undo_of_steps
from playbook_dsl.plan import ActionStep, Plan, Step, walk

Row = tuple[str, ...]

# Actions are named by what they do; these are the connections behind those whose first word is not the vendor's.
_BEHIND = {"meeting": "google_calendar", "sms": "twilio"}
_OTHERS = {"email": "SendGrid, or your own mail server", "http": "your own service, whose host is allowed"}
_HOW = {"undone": "yes", "lent": "yes, and in any case when the play ends", "stays": "no"}


def slugs() -> list[str]:
    """Give the playbooks of the library, by name."""
    return sorted(path.parent.name for path in LIBRARY.glob("*/*.yaml") if path.stem == path.parent.name)


def pages() -> list[Path]:
    """Give the READMEs of the library: its own, and one for each playbook."""
    return [LIBRARY / "README.md", *(LIBRARY / slug / "README.md" for slug in slugs())]


def connection_rows(slug: str) -> list[Row]:
    """Give each connection that a playbook uses, with the steps that use it."""
    found: dict[str, list[str]] = {}
    for step in _steps(_plan(slug)):
        if isinstance(step, ActionStep):
            for action in (step.action, step.undo.action or ""):
                name = _connection(action)
                if name and step.id not in found.setdefault(name, []):
                    found[name].append(step.id)
    return [(name, ", ".join(f"`{step}`" for step in steps)) for name, steps in sorted(found.items())]


def undo_line(slug: str) -> str:
    """Give the coverage as `check` prints it."""
    return f"Undo covers {_coverage(slug)}."


def undo_rows(slug: str) -> list[Row]:
    """Give every effect of a playbook: the step, the action, whether it can be undone, and how."""
    plan = _plan(slug)
    steps = {step.id: step for step in _steps(plan)}
    rows: list[Row] = []
    for found in undo_of_steps(plan, catalog_for(_path(slug))):
        step = steps[found.step_id]
        action = f"`{step.action}`" if isinstance(step, ActionStep) else "`play`"
        rows.append((f"`{found.step_id}`", action, _HOW[found.how], found.words.removesuffix(", also when the play ends well")))
    return rows


def library_rows() -> list[Row]:
    """Give one line for each playbook: its name, its title, the undo coverage."""
    return [(f"[{slug}]({slug}/README.md)", _plan(slug).title or "", str(_coverage(slug))) for slug in slugs()]


def _connection(action: str) -> str | None:
    service = action.partition(".")[0]
    vendor = VENDORS.get(_BEHIND.get(service, service))
    return _OTHERS.get(service) or (vendor.title if vendor else None)


def _steps(plan: Plan) -> Iterator[Step]:
    yield from walk((*plan.steps, *plan.finally_))
    for leave in plan.exits:
        yield from walk(leave.steps)


def _path(slug: str) -> Path:
    return LIBRARY / slug / f"{slug}.yaml"


@cache
def _compiled(slug: str) -> Compiled:
    return compile_file(_path(slug))


def _plan(slug: str) -> Plan:
    plan = _compiled(slug).plan
    if plan is None:
        raise ValueError(f"{_path(slug)} has errors; `playkeeper check` lists them")
    return plan


def _coverage(slug: str) -> Coverage:
    coverage = _compiled(slug).coverage
    if coverage is None:
        raise ValueError(f"{_path(slug)} has errors; `playkeeper check` lists them")
    return coverage
