"""Compares what the plays and the ledger say with what the vendors and the tables hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlmodel import col

from storage.session import Database
from storage.tables import Effect, Note, Run, Task
from tests.drill.plays import EXPECTED, TENANT
from tests.drill.vendor import Books


@dataclass
class Tally:
    """What a drill found. `in_doubt` are effects of which the ledger says that nobody can tell; a person hears of each."""

    runs: int
    lost_runs: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    in_doubt: int = 0
    effects: int = 0
    undone: int = 0
    not_undone: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, repeated or left behind."""
        return not (self.lost_runs or self.repeated or self.lost or self.not_undone)


async def read_tally(database: Database, books: Books, started: Sequence[str]) -> Tally:
    """Count."""
    async with database.begin(TENANT) as session:
        runs = {run.id: run for run in (await session.execute(select(Run))).scalars()}
        effects: dict[str, list[Effect]] = defaultdict(list)
        for effect in (await session.execute(select(Effect).order_by(col(Effect.key)))).scalars():
            effects[effect.run].append(effect)
        notes = {note.id for note in (await session.execute(select(Note))).scalars()}
        tasks = {task.id: task.status for task in (await session.execute(select(Task))).scalars()}
    tally = Tally(len(started))
    for run_id in started:
        run = runs.get(run_id)
        if run is None or run.state != "closed":
            tally.lost_runs.append(f"{run_id}: {run.state if run else 'unknown'}")
            continue
        _look_at_run(tally, run, effects[run_id])
        for effect in effects[run_id]:
            _look_at_effect(tally, effect, books, notes, tasks)
    _look_for_repetitions(tally, books, {effect.key for found in effects.values() for effect in found})
    return tally


def _look_at_run(tally: Tally, run: Run, effects: list[Effect]) -> None:
    """Every second play is undone; the others have all their effects."""
    wanted = "undone" if int(run.id[1:]) % 2 else "completed"
    if run.outcome != wanted:
        tally.lost_runs.append(f"{run.id}: {run.outcome} instead of {wanted}")
        return
    happened = {effect.step_key.split("/")[-1] for effect in effects}
    if wanted == "completed":
        missing = [step for step in EXPECTED if step.split(".")[-1] not in {key.split(".")[-1] for key in happened}]
        tally.lost += [f"{run.id} {step}: no row in the ledger" for step in missing]


def _look_at_effect(tally: Tally, effect: Effect, books: Books, notes: set[str], tasks: dict[str, str]) -> None:
    name = f"{effect.run} {effect.step_key}"
    tally.effects += effect.status in ("done", "undone", "unknown")
    tally.in_doubt += effect.status == "unknown"
    is_there = {
        "note.add": effect.key[:32] in notes,
        "task.create": tasks.get(effect.key[:32]) == "open",
        "email.send": books.sent[message_id(effect.key)] > 0,
        "http.request": books.put[effect.key] + books.posted[effect.key] > 0 or "fails" in effect.step_key or "undo" in effect.step_key,
    }[effect.action]
    if effect.status == "done" and not is_there:
        tally.lost.append(f"{name}: the ledger says it was done")
    if effect.status == "undone":
        tally.undone += 1
        if is_there:
            tally.not_undone.append(name)
    if effect.status == "intended":
        tally.lost.append(f"{name}: was begun and never ended")
    failed_run = int(effect.run[1:]) % 2 == 1
    if failed_run and effect.step_key == "order" and f"/orders/{effect.run}" not in books.cancelled:
        tally.not_undone.append(name)


def _look_for_repetitions(tally: Tally, books: Books, known: set[str]) -> None:
    tally.repeated += [f"posted {count} times: {key}" for key, count in books.posted.items() if count > 1]
    tally.repeated += [f"mailed {count} times: {key}" for key, count in books.sent.items() if count > 1]
    tally.repeated += [f"posted under an unknown key: {key}" for key in books.posted if key not in known]
    mails = {message_id(key) for key in known}
    tally.repeated += [f"mailed under an unknown id: {key}" for key in books.sent if key not in mails]


def message_id(key: str) -> str:
    """Give the message id of a mail by its effect's key."""
    return f"{key[:32]}@localhost"
