"""The playbooks the product ships: they compile without a warning, their tests pass, their letters can be written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import meta

from activities.messages import render
from cli.workspace import LIBRARY, catalog_for, compile_file, findings
from playbook_dsl.library import read_people
from playbook_dsl.plan import ActionStep, Plan, walk
from playbook_dsl.templates import ENVIRONMENT
from simulation.testing.suite import as_text, run_tests
from storage.sample.telco import TELCO

FIRST_EIGHT = {
    "adoption-dip",
    "at-risk-save",
    "champion-left",
    "detractor-follow-up",
    "onboarding",
    "payment-failed",
    "qbr-preparation",
    "renewal-120-90-60-30",
}
PLAYBOOKS = sorted(path for path in LIBRARY.glob("*/*.yaml") if not path.name.endswith(".test.yaml") and path.parent.name == path.stem)
STEPS = {"outcome": {"answers": {"decisions": "Roll out to the second team"}}}
KNOWN = {
    "account": {"name": "ACME GmbH", "zone": "Europe/Berlin", "renewal_date": {"$date": "2027-03-23"}},
    "recipient": {"name": "Ana Silva", "first_name": "Ana", "email": "ana@acme.example"},
    "sender": {"name": "Maria Lopez", "email": "maria@example.com"},
    "inputs": {"seats": 10, "meeting_on": {"$date": "2026-12-01"}},
    "steps": STEPS,
}

BOOKED = {"review": {"start": {"$datetime": "2026-12-02T13:00:00+00:00"}}, "training": {"meeting_id": "m1"}}
WITH_MEETINGS = {**KNOWN, "steps": {**STEPS, **BOOKED}}


def plan_of(path: Path) -> Plan:
    plan = compile_file(path).plan
    assert plan is not None
    return plan


def test_the_first_eight_are_there() -> None:
    assert {path.stem for path in PLAYBOOKS} >= FIRST_EIGHT


def test_no_playbook_template_or_people_file_gets_a_finding() -> None:
    assert [found.text() for found in findings([LIBRARY]) if found.diagnostics] == []


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_has_at_least_two_tests_and_all_pass(path: Path) -> None:
    tests = path.with_name(f"{path.stem}.test.yaml")
    result = run_tests(tests.read_bytes(), tests.name, lambda _: plan_of(path), catalog_for(path))

    assert result.passed, as_text([result])
    assert len(result.results) >= 2


def messages() -> list[tuple[str, str, str]]:
    plans = [plan_of(path) for path in PLAYBOOKS]
    steps = [step for plan in plans for step in walk((*plan.steps, *plan.finally_)) if isinstance(step, ActionStep)]
    return sorted({(step.message.name, step.message.subject, step.message.body) for step in steps if step.message})


def test_every_template_is_used() -> None:
    assert {name for name, _, _ in messages()} == {path.name.removesuffix(".md.j2") for path in (LIBRARY / "templates").iterdir()}


@pytest.mark.parametrize(("name", "subject", "body"), messages(), ids=lambda text: text if "\n" not in text and "{" not in text else "")
def test_a_letter_greets_by_name_is_signed_and_short(name: str, subject: str, body: str) -> None:
    for text in (render(name, body, KNOWN), render(name, body, WITH_MEETINGS)):
        assert "Ana" in text
        assert text.rstrip().endswith("Maria Lopez")
        assert len(text.split()) < 200
    assert 5 < len(render(name, subject, KNOWN)) < 70
    assert meta.find_undeclared_variables(ENVIRONMENT.parse(subject + body)) <= set(KNOWN)


def test_the_guide_names_every_playbook_event_role_and_fact_it_needs() -> None:
    guide = (LIBRARY.parent / "docs" / "playbook-library.md").read_text(encoding="utf-8")
    plans = [plan_of(path) for path in PLAYBOOKS]
    events = {event for plan in plans for event in plan.events}
    roles = set(re.findall(r"role:(\w+)", "".join(plan.to_json() for plan in plans)))

    assert {name for name in (*(plan.playbook for plan in plans), *events, *roles) if f"`{name}`" not in guide} == set()


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_has_a_page_with_its_connections_and_its_undo_coverage_as_check_prints_it(path: Path) -> None:
    page = path.with_name("README.md").read_text(encoding="utf-8")
    overview = (LIBRARY / "README.md").read_text(encoding="utf-8")

    assert f"Undo covers {compile_file(path).coverage}." in page
    assert f"<!-- generated: connections {path.stem} -->" in page
    assert f"| [{path.stem}]({path.stem}/README.md) |" in overview


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_acts_at_a_vendor_and_holds_back_at_night_and_on_holidays(path: Path) -> None:
    plan = plan_of(path)
    steps = [step for step in walk((*plan.steps, *plan.finally_)) if isinstance(step, ActionStep)]

    assert {step.action.partition(".")[0] for step in steps} & {"stripe", "salesforce", "hubspot", "meeting"}
    assert "holidays" in (plan.time.quiet or "")


def test_the_sample_book_has_somebody_for_every_role_and_team_of_the_library() -> None:
    people, found = read_people((LIBRARY / "people.yaml").read_bytes())

    assert found == ()
    assert people.roles - {role for person in TELCO.people for role in person.roles} == set()
    assert people.teams - {team for person in TELCO.people for team in person.teams} == set()
