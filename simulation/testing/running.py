"""Plays one test on the virtual clock and keeps what came of it."""

import asyncio
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from activities.contracts import ActionCall, JsonTree
from playbook_dsl.catalog import Catalog
from playbook_dsl.diagnostics import Report
from playbook_dsl.expressions.evaluate import EvaluationError
from playbook_dsl.nodes import Mapping, Scalar
from playbook_dsl.plan import AskStep, Plan, walk
from playbook_dsl.resolve.scopes import event_type, fact_types
from playbook_dsl.source import Span
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.types import ANY, record
from playbook_dsl.values import to_json
from simulation.clock import DeadlockError, run_virtual
from simulation.runtime import Happening as Done
from simulation.runtime import Reply, VirtualRuntime, World
from simulation.testing.cases import Case, Happening
from simulation.testing.offsets import read_offset
from simulation.testing.replies import Mocks, step_of
from simulation.testing.situation import Situation, form_type, situation
from workflows.interpreter.errors import Refused
from workflows.interpreter.player import Player
from workflows.messages import Command, News

STILL_RUNNING = "still running"
"""The outcome of a play that waits for something the test does not bring."""


@dataclass
class Actual:
    """What came of a play. `steps` are the step records by key; `trouble` is what could not happen as the test says."""

    start: datetime
    zone: str
    outcome: str
    ended_at: datetime
    done: list[Done]
    steps: dict[str, dict[str, JsonTree]]
    vars: dict[str, JsonTree]
    error: dict[str, JsonTree] | None
    trouble: list[tuple[Span, str]] = field(default_factory=list)


@dataclass
class _Stage:
    """A test under way."""

    plan: Plan
    catalog: Catalog
    situation: Situation
    world: World
    player: Player
    runtime: VirtualRuntime
    trouble: list[tuple[Span, str]]
    number: int = 0

    def next_id(self) -> str:
        self.number += 1
        return f"test-{self.number}"


def run_case(case: Case, plan: Plan, catalog: Catalog, report: Report) -> Actual | None:
    """Play a test; None when the test itself is wrong (see the report)."""
    started = situation(case.given, plan, catalog, report)
    mocks = Mocks(plan, catalog, started.literals)
    sub_plays = mocks.read(case.mocks)
    undo_replies = mocks.read_undo(case.undo_mocks)
    moments = _moments(case, started, report)
    if report.has_errors:
        return None
    calendar = started.literals.calendar

    async def main() -> Actual:
        world = World(started.input.loaded, _replies, undo_replies=undo_replies, sub_plays=sub_plays)
        runtime = VirtualRuntime(world, started.start)
        player = Player(started.input, runtime)
        stage.append(_Stage(plan, catalog, started, world, player, runtime, []))
        world.sub_play_ended = lambda key, outcome: player.news(
            News(kind="play_ended", id=stage[0].next_id(), key=key, fields={"outcome": outcome})
        )
        loop = asyncio.get_running_loop()
        for happening, at in moments:
            loop.call_later((at - started.start).total_seconds(), _act, stage[0], happening)
        result = await player.play()
        return _actual(stage[0], result.outcome, result.error)

    def _replies(call: ActionCall, _attempt: int) -> Reply:
        return mocks.reply(call, stage[0].runtime.now(), calendar)

    stage: list[_Stage] = []
    try:
        actual = run_virtual(main())
    except DeadlockError:
        actual = _actual(stage[0], STILL_RUNNING, None)
    return actual


def _moments(case: Case, started: Situation, report: Report) -> list[tuple[Happening, datetime]]:
    found: list[tuple[Happening, datetime]] = []
    before = started.start
    for happening in case.happens:
        try:
            before = read_offset(happening.at.text, started.start, before, started.literals.calendar)
        except TimingError as error:
            report.error("PB501", happening.at.span, str(error))
            continue
        if before < started.start:
            report.error("PB501", happening.at.span, f'"{happening.at.text}" is before the play starts')
        found.append((happening, before))
    return found


def _actual(stage: _Stage, outcome: str, error: dict[str, JsonTree] | None) -> Actual:
    state = stage.player.state()
    steps = cast(list[dict[str, JsonTree]], state["steps"])
    ended = max((done.at for done in stage.world.happenings), default=stage.situation.start)
    return Actual(
        start=stage.situation.start,
        zone=stage.situation.literals.calendar.zone,
        outcome=outcome,
        ended_at=ended if outcome == STILL_RUNNING else stage.runtime.now(),
        done=stage.world.happenings,
        steps={str(step["key"]): step for step in steps},
        vars=stage.player.vars,
        error=error,
        trouble=stage.trouble,
    )


def _act(stage: _Stage, happening: Happening) -> None:
    """Let something happen. What the play refuses is noted: the test expects a play that is not there."""
    try:
        _DEEDS[happening.do](stage, happening)
    except Refused as error:
        stage.trouble.append((happening.span, error.message))
    except EvaluationError as error:
        stage.trouble.append((happening.span, str(error)))


def _values(stage: _Stage, fields: Mapping | None, types: Map[str, Any] | None, what: str) -> dict[str, JsonTree]:
    kind = record(dict(types)) if types is not None else ANY
    found = stage.situation.literals.record(fields, kind, what) if fields else {}
    return {name: to_json(value) for name, value in found.items()}


def _text(happening: Happening) -> str:
    return happening.subject.text if isinstance(happening.subject, Scalar) else ""


def _event(stage: _Stage, happening: Happening) -> None:
    name = _text(happening)
    known = event_type(stage.catalog, name)
    fields = _values(stage, happening.fields, None if known.open else known.fields, f'the event "{name}"')
    stage.player.news(News(kind="event", id=stage.next_id(), name=name, fields=fields))


def _facts(stage: _Stage, happening: Happening) -> None:
    types = fact_types(tuple(stage.catalog.facts))
    subject = happening.subject if isinstance(happening.subject, Mapping) else None
    changes = _values(stage, subject, types or None, '"facts"')
    loaded = stage.world.loaded
    facts = {**loaded.facts, **{name: _laid_over(loaded.facts.get(name), value) for name, value in changes.items()}}
    stage.world.loaded = loaded.model_copy(update={"facts": facts})
    stage.player.news(News(kind="facts", id=stage.next_id(), fields=stage.world.loaded.model_dump(mode="json")))


def _laid_over(below: JsonTree, above: JsonTree) -> JsonTree:
    if not isinstance(below, dict) or not isinstance(above, dict) or any(name.startswith("$") for name in above):
        return above
    return {**below, **{name: _laid_over(below.get(name), value) for name, value in above.items()}}


def _close_task(stage: _Stage, happening: Happening, status: str) -> None:
    step_id = _text(happening)
    made = [done for done in stage.world.happenings if done.what == "perform" and step_id in (done.key, step_of(done.key))]
    if not made:
        stage.trouble.append((happening.span, f'step "{step_id}" has made nothing that could be completed'))
        return
    action = made[-1].action
    fields: dict[str, JsonTree] = {"status": status, "answers": _values(stage, happening.fields, None, f'the answers to "{step_id}"')}
    fields["outcome"] = happening.outcome.text if happening.outcome else None
    fields["completed_at"] = to_json(stage.runtime.now())
    fields["completed_by"] = happening.by.text if happening.by else "somebody"
    name = f"{action.partition('.')[0]}:{made[-1].key}"
    stage.player.news(News(kind="object", id=stage.next_id(), name=name, fields=fields))


def _answer(stage: _Stage, happening: Happening, answers: dict[str, JsonTree] | None = None) -> None:
    step_id = _text(happening)
    asks = {step.id: step for step in walk((*stage.plan.steps, *stage.plan.finally_)) if isinstance(step, AskStep)}
    if answers is None:
        step = asks.get(step_id)
        types = {field.name: form_type(field) for field in step.form} if step and step.form else None
        answers = _values(stage, happening.fields, types, f'the answers to "{step_id}"')
    key = next((key for key in cast(list[str], stage.player.state()["asks"]) if step_id in (key, step_of(key))), step_id)
    _command(stage, happening, do="answer", key=key, answers=answers)


def _approve(stage: _Stage, happening: Happening, approved: bool) -> None:
    answers: dict[str, JsonTree] = {"approved": approved, **_values(stage, happening.fields, None, "what was edited")}
    if happening.comment:
        answers["comment"] = happening.comment.text
    _answer(stage, happening, answers)


def _tell(stage: _Stage, happening: Happening) -> None:
    said: dict[str, Any] = {"do": _text(happening), "undo": happening.undo}
    if happening.step:
        holds = cast(dict[str, JsonTree], stage.player.state()["holds"])
        step_id = happening.step.text
        said["key"] = next((key for key in holds if step_id in (key, step_of(key))), step_id)
    _command(stage, happening, **said)


def _command(stage: _Stage, happening: Happening, **said: object) -> None:
    by = happening.by.text if happening.by else "somebody"
    stage.player.command(Command.model_validate({"request_id": stage.next_id(), "by": by, **said}))


_DEEDS = {
    "event": _event,
    "facts": _facts,
    "complete": lambda stage, happening: _close_task(stage, happening, "done"),
    "cancel_task": lambda stage, happening: _close_task(stage, happening, "cancelled"),
    "answer": _answer,
    "approve": lambda stage, happening: _approve(stage, happening, True),
    "reject": lambda stage, happening: _approve(stage, happening, False),
    "tell": _tell,
}
