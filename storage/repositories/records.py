"""What plays write down about themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, or_
from sqlalchemy.dialects.postgresql import Insert, insert

from playbook_dsl.values import Json
from storage.enrollment.leaving import play_ended
from storage.session import Session
from storage.tables import METADATA

_RUNS = METADATA.tables["run"]
_STEPS = METADATA.tables["step"]


@dataclass(frozen=True)
class RunState:
    """The state of a play as it tells it. `saved` is sealed here."""

    id: str
    chain: str
    workflow_id: str
    account: str
    playbook: str
    version: int
    launch: str | None
    state: str
    sequence: int
    at: datetime
    progress: str
    outcome: str | None = None
    error: Mapping[str, Json] | None = None
    saved: Json = None


@dataclass(frozen=True)
class StepState:
    """The state of a step as its play tells it. `output` is sealed here."""

    key: str
    title: str
    kind: str
    status: str
    detail: str | None
    error: Mapping[str, Json] | None
    output: Json
    started_at: datetime | None
    ended_at: datetime | None


def _statement(table: Table, identity: tuple[str, ...], kept: frozenset[str], columns: tuple[str, ...]) -> Insert:
    """Give an upsert of these columns. Made once: building the same statement for every record cost more than executing it."""
    statement = insert(table)
    changes = {name: statement.excluded[name] for name in columns if name not in kept}
    if table is not _RUNS:
        return statement.on_conflict_do_update(index_elements=identity, set_=changes)
    newer = or_(_RUNS.c.sequence < statement.excluded.sequence, _RUNS.c.state == "starting")
    return statement.on_conflict_do_update(index_elements=identity, set_=changes, where=newer)


_IDENTITY = ("id", "chain", "workflow_id", "account", "playbook", "version", "launch", "started_at", "trigger", "title")
_TOLD = ("state", "sequence", "progress", "outcome", "error", "ended_at")
_ONLY_NEW = frozenset({"tenant", *_IDENTITY})
_RECORD = _statement(_RUNS, ("tenant", "id"), _ONLY_NEW, _TOLD).returning(_RUNS.c.id)
_RECORD_AND_SAVE = _statement(_RUNS, ("tenant", "id"), _ONLY_NEW, (*_TOLD, "saved")).returning(_RUNS.c.id)
_STEP_COLUMNS = ("title", "kind", "status", "detail", "error", "output", "started_at", "ended_at")
_RECORD_STEPS = _statement(_STEPS, ("tenant", "run", "key"), frozenset(), _STEP_COLUMNS)
# Branches side by side write records at the same time, and one may overtake the other. What a step's later record said stays.
_ANY_STEPS = insert(_STEPS)
_RECORD_OVERTAKEN = _ANY_STEPS.on_conflict_do_update(
    index_elements=("tenant", "run", "key"),
    set_={name: _ANY_STEPS.excluded[name] for name in _STEP_COLUMNS},
    where=_STEPS.c.ended_at.is_(None) & _ANY_STEPS.excluded.ended_at.is_not(None),
)


async def record_run(session: Session, run: RunState, steps: Sequence[StepState]) -> bool:
    """Bring a play and the steps that changed up to date, in two statements; False when a later state of the play is written down already.

    The steps of a record that was overtaken are written down too, except where they would take back what is known of a step.

    A play that nobody wrote down before gets a row. One that was taken up again counts on.
    """
    row = {
        **{name: getattr(run, name) for name in ("id", "chain", "workflow_id", "account", "playbook", "version", "launch")},
        **{name: getattr(run, name) for name in ("state", "sequence", "progress", "outcome")},
        "tenant": session.tenant,
        "started_at": run.at,
        "trigger": "manual",
        "title": "",
        "error": dict(run.error) if run.error is not None else None,
        "ended_at": run.at if run.state == "closed" else None,
    }
    # The table and not the model: the ORM's way of inserting takes twice as long, and nothing is read back.
    connection = await session.connection()
    if run.saved is None:
        written = await connection.execute(_RECORD, row)
    else:
        written = await connection.execute(_RECORD_AND_SAVE, {**row, "saved": session.seal("run", "saved", run.id, run.saved)})
    is_latest = written.first() is not None
    if is_latest and run.state == "closed":
        await play_ended(session, run.id, run.outcome or "completed", run.at)
    if steps:
        statement = _RECORD_STEPS if is_latest else _RECORD_OVERTAKEN
        await connection.execute(statement, [_step_row(session, run, index, step) for index, step in enumerate(steps)])
    return is_latest


def _step_row(session: Session, run: RunState, index: int, step: StepState) -> dict[str, object]:
    return {
        "tenant": session.tenant,
        "run": run.id,
        "key": step.key,
        "title": step.title,
        "kind": step.kind,
        "status": step.status,
        # Steps are met in the order of the records that first name them.
        "position": run.sequence * 1000 + index,
        "detail": step.detail,
        "error": dict(step.error) if step.error is not None else None,
        "output": session.seal("step", "output", f"{run.id}/{step.key}", step.output),
        "started_at": step.started_at,
        "ended_at": step.ended_at,
    }
