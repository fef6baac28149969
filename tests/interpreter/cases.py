"""Plays as data: a plan, what the world answers, what happens meanwhile, and what must come of it.

The same cases run on the virtual clock and, in the differential test, on the Temporal server.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from activities.contracts import ActionCall, ActionResult, LoadedFacts, RunInput, RunRef, TriggerInfo, UndoResult
from playbook_dsl.plan import Plan
from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.durations import approximate_seconds, parse_duration
from simulation.play import Act, Played, Stimulus, command, news, simulate
from simulation.runtime import Failure, Reply, World
from workflows.interpreter.player import Player

FOLDER = Path(__file__).parent / "cases"
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
FACTS = {"account": {"name": "ACME", "zone": "UTC", "mrr": 100}, "health": {"score": 40}, "contact": {"email": "a@b.example"}}


@dataclass
class Case:
    """One case of `cases/*.yaml`."""

    name: str
    plan: Plan
    facts: dict[str, Any]
    replies: dict[str, list[dict[str, Any]]]
    undo: dict[str, Any]
    stimuli: list[dict[str, Any]]
    expect: dict[str, Any]
    inputs: dict[str, Any] = field(default_factory=dict)
    sub_plays: dict[str, str] = field(default_factory=dict)
    start: datetime = MONDAY
    calendar: dict[str, Any] = field(default_factory=dict)

    def run_input(self) -> RunInput:
        """Give the input of the case's play."""
        closed = tuple(date.fromisoformat(day) for day in self.calendar.get("closed", []))
        calendar = BusinessCalendar(**{**self.calendar, "closed": closed}).to_json()
        return RunInput(
            run=RunRef(tenant="t", run_id="r1", chain="c1", playbook=self.plan.playbook, version=1, account="acme"),
            plan=self.plan,
            inputs=self.inputs,
            trigger=TriggerInfo(kind="manual"),
            loaded=LoadedFacts(facts=self.facts, calendar=calendar),
        )

    def reply(self, call: ActionCall, attempt: int) -> Reply:
        """Answer a call from the case's table; a list serves the attempts in turn, its last entry all further ones."""
        table = self.replies.get(call.key) or self.replies.get(call.key.split("].")[-1]) or [{}]
        return as_reply(table[min(attempt, len(table) - 1)])

    def world(self) -> World:
        """Give the world of the case."""
        undo = {key: Failure(entry["fail"]) if isinstance(entry, dict) else UndoResult(status=entry) for key, entry in self.undo.items()}
        return World(LoadedFacts(facts=self.facts), self.reply, undo, self.sub_plays)

    def virtual_stimuli(self) -> list[Stimulus]:
        """Give what happens meanwhile."""
        return [Stimulus(seconds(entry["after"]), self.act(entry)) for entry in self.stimuli]

    def act(self, entry: dict[str, Any]) -> Act:
        """Give the act of one stimulus."""
        if "command" in entry:
            return command(**entry["command"])
        if "event" in entry:
            return news(kind="event", **entry["event"])
        if "object" in entry:
            return news(kind="object", **entry["object"])
        merged = {**self.facts, **entry["facts"]}

        def change(player: Player, world: World) -> None:
            world.loaded = world.loaded.model_copy(update={"facts": merged})
            news(kind="facts", fields=world.loaded.model_dump(mode="json"))(player, world)

        return change

    def play(self, *, history_limit: int | None = None) -> Played:
        """Play the case on the virtual clock; with a limit, in a fresh history after that many waits and attempts."""
        return simulate(self.run_input(), self.world(), self.start, self.virtual_stimuli(), history_limit=history_limit)


def as_reply(entry: dict[str, Any]) -> Reply:
    """Give the reply behind its data: `{fail: Code}` or the fields of an ActionResult."""
    if "fail" in entry:
        return Failure(entry["fail"], entry.get("message", "mocked"))
    return ActionResult.model_validate(entry)


def seconds(text: str) -> timedelta:
    """Give the length of a duration in words."""
    return timedelta(seconds=approximate_seconds(parse_duration(text)))


def load_cases() -> list[Case]:
    """Read all cases, in a stable order."""
    found: list[Case] = []
    for path in sorted(FOLDER.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            found.append(_case(path.stem, document))
    return found


def _case(area: str, document: dict[str, Any]) -> Case:
    plan = {"playbook": "case", "title": "Case", **document["plan"]}
    start = document.get("start")
    return Case(
        name=f"{area}: {document['case']}",
        plan=Plan.model_validate(plan),
        facts={**FACTS, **document.get("facts", {})},
        replies=document.get("replies", {}),
        undo=document.get("undo", {}),
        stimuli=document.get("meanwhile", []),
        expect=document["expect"],
        inputs=document.get("inputs", {}),
        sub_plays=document.get("sub_plays", {}),
        start=datetime.fromisoformat(start) if start else MONDAY,
        calendar=document.get("calendar", {}),
    )
