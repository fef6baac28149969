"""What plays write down about themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from playbook_dsl.values import Json
from storage.session import Session
from storage.tables import METADATA, Run

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


async def record_run(session: Session, run: RunState, steps: Sequence[StepState]) -> bool:
    """Bring a play and the steps that changed up to date, in two statements; False when a later state is written down already.

    A play that nobody wrote down before gets a row. One that was taken up again counts on.
    """
    closed = run.state == "closed"
    told = {
        "state": run.state,
        "sequence": run.sequence,
        "progress": run.progress,
        "outcome": run.outcome,
        "error": dict(run.error) if run.error is not None else None,
        "ended_at": run.at if closed else None,
    }
    if run.saved is not None:
        told["saved"] = session.seal("run", "saved", run.id, run.saved)
    identity = {
        "tenant": session.tenant,
        "id": run.id,
        "chain": run.chain,
        "workflow_id": run.workflow_id,
        "account": run.account,
        "playbook": run.playbook,
        "version": run.version,
        "launch": run.launch,
        "started_at": run.at,
        "trigger": "manual",
        "title": "",
    }
    newer = or_(col(Run.sequence) < run.sequence, col(Run.state) == "starting")
    statement = insert(Run).values(**identity, **told)
    written = statement.on_conflict_do_update(index_elements=["tenant", "id"], set_=told, where=newer).returning(col(Run.id))
    if (await session.execute(written)).first() is None:
        return False
    await _record_steps(session, run, steps)
    return True


async def _record_steps(session: Session, run: RunState, steps: Sequence[StepState]) -> None:
    if not steps:
        return
    rows = [
        {
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
        for index, step in enumerate(steps)
    ]
    statement = insert(_STEPS)
    kept = ("tenant", "run", "key", "position")
    changes = {name: statement.excluded[name] for name in rows[0] if name not in kept}
    # Rows handed over beside the statement leave its text the same for any number of steps, so that it is compiled once.
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant", "run", "key"], set_=changes), rows)
