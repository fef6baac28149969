"""Every way through a playbook of the library is walked by one of its tests: a template without that is a promise nobody has tried."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from cli.dev.library_pages import slugs
from cli.workspace import LIBRARY, catalog_for, compile_file
from playbook_dsl.plan import Plan, Step, WaitUntilStep, walk
from simulation.testing.suite import CaseResult, as_text, run_tests

NOT_RUN = {"skipped", "failed"}
"""What becomes of a step that was come to, but whose effect no test has seen."""

SMALL = """
playbook: small
exit:
  - {if: account.status == "churned", as: churned}
steps:
  - {id: hello, note.add: {text: Hello}, on_error: continue}
  - {id: maybe, if: account.stage == "live", note.add: {text: Live}}
  - id: heard
    wait_until:
      any: {paid: {event: invoice.paid}, left: {event: contact.left}}
      up_to: 1 day
      on_timeout: [{id: silent, note.add: {text: Nothing came}}]
"""
SMALL_TESTS = """
tests:
  - {test: it is silent, expect: {outcome: completed}}
  - test: it is paid
    happens: [{at: +1 hour, event: invoice.paid}]
    expect: {outcome: completed}
"""


def unreached(plan: Plan, results: tuple[CaseResult, ...]) -> set[str]:
    """Give, in words, the ways of a plan that no test has walked."""
    steps = [*walk((*plan.steps, *plan.finally_)), *(step for leave in plan.exits for step in walk(leave.steps))]
    reached = {pair for case in results for pair in case.reached}
    came = {pair for case in results for pair in case.came}
    outcomes = {case.outcome for case in results}
    missing = {f'no exit "{leave.name}"' for leave in plan.exits if not {f"exit:{leave.name}", *_as_goal(plan, leave.name)} & outcomes}
    for step in steps:
        missing |= _ways_of(step, {status for id_, status in reached if id_ == step.id})
        if isinstance(step, WaitUntilStep):
            missing |= {f"{step.id} never ends by {one.name}" for one in step.alternatives if (step.id, one.name) not in came}
    return missing


def _as_goal(plan: Plan, name: str) -> set[str]:
    return {"goal"} if plan.goal is not None and plan.goal.name == name else set()


def _ways_of(step: Step, statuses: set[str]) -> set[str]:
    missing = set()
    if not statuses - NOT_RUN:
        missing.add(f"{step.id} never runs")
    if step.when is not None and "skipped" not in statuses:
        missing.add(f"{step.id} is never left out")
    if step.on_error is not None and step.on_error.do in ("continue", "catch") and "failed" not in statuses:
        missing.add(f"{step.id} never fails")
    return missing


@cache
def played(path: Path) -> tuple[Plan, tuple[CaseResult, ...]]:
    plan = compile_file(path).plan
    assert plan is not None
    tests = path.with_name(f"{path.stem}.test.yaml")
    result = run_tests(tests.read_bytes(), tests.name, lambda _: plan, catalog_for(path))
    assert result.passed, as_text([result])
    return plan, result.results


@pytest.mark.parametrize("slug", slugs())
def test_every_step_branch_failure_and_exit_of_a_playbook_comes_up_in_its_tests(slug: str) -> None:
    assert unreached(*played(LIBRARY / slug / f"{slug}.yaml")) == set()


def test_what_no_test_reaches_is_named(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "small.test.yaml").write_text(SMALL_TESTS)

    assert unreached(*played(tmp_path / "small.yaml")) == {
        "hello never fails",
        "maybe never runs",
        "heard never ends by left",
        'no exit "churned"',
    }
