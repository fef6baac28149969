"""The last pass: a resolved file without errors becomes a plan."""

from typing import Any, cast

from playbook_dsl import plan
from playbook_dsl.lower.actions import fields
from playbook_dsl.lower.enroll import enroll
from playbook_dsl.lower.policies import default_retry, one_of, owners, word, words
from playbook_dsl.lower.steps import Lowering
from playbook_dsl.lower.values import expr, node, one_line
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.syntax import TimeSpec


def lower(found: Resolution) -> plan.Plan:
    """Give the plan of a file in which no check found an error."""
    playbook = found.playbook
    lowering = Lowering(found)
    steps, exits = lowering.steps(playbook.steps), lowering.exits(playbook.exits)
    return plan.Plan(
        playbook=word(playbook.slug) or "",
        title=word(playbook.title) or (word(playbook.slug) or "").replace("-", " "),
        owner=word(playbook.owner),
        labels=words(playbook.labels),
        inputs=fields(playbook.inputs),
        enroll=enroll(playbook.enroll) if playbook.enroll else None,
        exits=exits,
        goal=_goal(found),
        deadline=_deadline(found),
        time=_time(playbook.time),
        retry=default_retry(playbook.defaults),
        tables=cast(dict[str, Any], node(playbook.tables)) if playbook.tables else {},
        events=_events(steps, exits),
        steps=steps,
        finally_=lowering.steps(playbook.finally_),
    )


def _goal(found: Resolution) -> plan.Goal | None:
    goal = found.playbook.goal
    if goal is None:
        return None
    return plan.Goal(name=word(goal.name) or "", when=expr(goal.when), within=expr(goal.within), by=expr(goal.by))


def _deadline(found: Resolution) -> plan.Deadline | None:
    deadline = found.playbook.deadline
    if deadline is None:
        return None
    return plan.Deadline(after=expr(deadline.after) or "", escalate_to=owners(deadline.escalate_to), then=one_of(deadline.then, "tell"))


def _time(time: TimeSpec) -> plan.TimeRules:
    usual = plan.TimeRules()
    return plan.TimeRules(
        zone=words(time.zone) or usual.zone,
        calendar=one_line(time.calendar.text) if time.calendar else None,
        quiet=word(time.quiet),
        hours=word(time.hours) or usual.hours,
        closed=words(time.closed),
    )


def _events(steps: tuple[plan.Step, ...], exits: tuple[plan.Exit, ...]) -> tuple[str, ...]:
    """Give the names of the events anything in the play listens to."""
    found = {leave.event for leave in exits}
    inside = [step for leave in exits for step in plan.walk(leave.steps)]
    for step in [*plan.walk(steps), *inside]:
        if isinstance(step, plan.WaitUntilStep):
            found.update(alternative.event for alternative in step.alternatives)
        elif isinstance(step, plan.StageStep):
            found.update(leave.event for leave in step.exits)
    return tuple(sorted(name for name in found if name))
