"""Plays as lists show them, and their steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, or_, select, update
from sqlmodel import col

from playbook_dsl.values import Json
from storage.enrollment.leaving import play_taken_up
from storage.pages import Page, fetch_page
from storage.session import Session
from storage.tables import Account, Launch, Run, Step


@dataclass(frozen=True)
class RunFilter:
    """Which plays a list holds; what is None does not matter. `active`: those that have not ended, or only those that have."""

    account: str | None = None
    playbook: str | None = None
    launch: str | None = None
    state: str | None = None
    outcome: str | None = None
    owner: str | None = None
    active: bool | None = None


async def add_run(session: Session, run: Run, *, start: Json) -> None:
    """Insert a play. `start` (inputs, trigger, …) is sealed here."""
    await add_runs(session, [run], start=start)


async def add_runs(session: Session, runs: Sequence[Run], *, start: Json) -> None:
    """Insert plays that start with the same."""
    for run in runs:
        run.tenant = session.tenant
        run.start = session.seal("run", "start", run.id, start)
    session.add_all(runs)
    await session.flush()


async def find_run(session: Session, run_id: str, *, lock: bool = False) -> Run | None:
    """Give a play. With `lock` nobody else may change it before the transaction ends."""
    query = select(Run).where(col(Run.id) == run_id)
    return (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()


async def list_runs_by_ids(session: Session, ids: Sequence[str]) -> dict[str, Run]:
    """Give those of the ids that are plays."""
    return {run.id: run for run in (await session.execute(select(Run).where(col(Run.id).in_(ids)))).scalars()}


async def find_run_by_workflow(session: Session, account: str, workflow_id: str) -> Run | None:
    """Give the account's play that began as this workflow, also when it was taken up again under another id since (see `reopen_run`)."""
    again = col(Run.workflow_id).startswith(f"{workflow_id}:again", autoescape=True)
    query = (
        select(Run)
        .where(col(Run.account) == account, or_(col(Run.workflow_id) == workflow_id, again))
        .order_by(col(Run.started_at).desc(), col(Run.id).desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def list_active_runs_by_account(session: Session, account: str) -> list[Run]:
    """Give the plays of an account that have not ended, the oldest first."""
    query = select(Run).where(col(Run.account) == account, col(Run.state) != "closed")
    return list((await session.execute(query.order_by(col(Run.started_at), col(Run.id)))).scalars())


async def list_active_runs_by_accounts(session: Session, accounts: Sequence[str]) -> dict[str, list[str]]:
    """Give the workflow ids of the plays that are not closed, by account."""
    query = select(col(Run.account), col(Run.workflow_id)).where(col(Run.account).in_(accounts), col(Run.state) != "closed")
    found: dict[str, list[str]] = {}
    for account, workflow_id in await session.execute(query.order_by(col(Run.account), col(Run.started_at), col(Run.id))):
        found.setdefault(account, []).append(workflow_id)
    return found


async def list_active_accounts_changed_since(session: Session, since: datetime) -> list[str]:
    """Give the accounts that are in a play now and were changed at or after this time, by id."""
    query = select(col(Run.account)).join(Account, col(Account.id) == col(Run.account))
    query = query.where(col(Run.state) != "closed", col(Account.updated_at) >= since).distinct().order_by(col(Run.account))
    return list((await session.execute(query)).scalars())


async def list_runs_by_launch(session: Session, launch: str) -> list[Run]:
    """Give all plays of a launch, by id."""
    return list((await session.execute(select(Run).where(col(Run.launch) == launch).order_by(col(Run.id)))).scalars())


async def list_sub_plays(session: Session, run: Run) -> list[Run]:
    """Give the plays that this one started itself, by id."""
    # The account's index finds them: sub-plays are on the account of their parent.
    query = select(Run).where(col(Run.account) == run.account, col(Run.parent) == run.id)
    return list((await session.execute(query.order_by(col(Run.id)))).scalars())


async def find_starting_run(session: Session, workflow_id: str) -> str | None:
    """Give the id of the play that is to begin as this workflow and of which nothing was heard yet."""
    query = select(col(Run.id)).where(col(Run.workflow_id) == workflow_id, col(Run.state) == "starting")
    return (await session.execute(query)).scalar_one_or_none()


async def list_runs_to_start(session: Session, before: datetime, limit: int = 100) -> list[Run]:
    """Give the plays that should have been started before this time and of which nothing was heard yet.

    Sub-plays are started by their parents; those taken up again are not.
    """
    ours = or_(col(Run.parent).is_(None), col(Run.workflow_id).contains(":again"))
    query = select(Run).where(col(Run.state) == "starting", col(Run.started_at) < before, ours)
    return list((await session.execute(query.order_by(col(Run.started_at)).limit(limit))).scalars())


async def list_runs(session: Session, which: RunFilter, *, after: str | None = None, limit: int = 50) -> Page[Run]:
    """Give plays, newest first."""
    query = select(Run)
    wanted = (
        (Run.account, which.account),
        (Run.playbook, which.playbook),
        (Run.launch, which.launch),
        (Run.state, which.state),
        (Run.outcome, which.outcome),
        (Run.owner, which.owner),
    )
    for column, value in wanted:
        if value is not None:
            query = query.where(col(column) == value)
    if which.active is not None:
        query = query.where(col(Run.state) != "closed" if which.active else col(Run.state) == "closed")
    return await fetch_page(session, query, (col(Run.started_at), col(Run.id)), descending=True, after=after, limit=limit)


async def list_steps(session: Session, run_id: str) -> list[Step]:
    """Give the steps of a play in the order in which they were met."""
    query = select(Step).where(col(Step.run) == run_id).order_by(col(Step.position), col(Step.started_at), col(Step.key))
    return list((await session.execute(query)).scalars())


async def find_step(session: Session, run_id: str, key: str) -> Step | None:
    """Give a step of a play by its key."""
    query = select(Step).where(col(Step.run) == run_id, col(Step.key) == key)
    return (await session.execute(query)).scalars().one_or_none()


async def reopen_run(session: Session, run: Run, *, start: Json) -> None:
    """Take up a play that has ended, to undo it or to retry it from a step. `start` says how, and is sealed here.

    It gets a workflow id of its own (`…:again2`), so that asking twice for the same reopening begins it once.
    """
    first, _, number = run.workflow_id.partition(":again")
    values = {
        "workflow_id": f"{first}:again{int(number or 0) + 1}",
        "state": "starting",
        "outcome": None,
        "ended_at": None,
        "error": None,
        "start": session.seal("run", "start", run.id, start),
    }
    await session.execute(update(Run).where(col(Run.id) == run.id).values(**values))
    await play_taken_up(session, run.id, datetime.now(UTC))
    await session.refresh(run)


def start_of(session: Session, run: Run) -> Json:
    """Open what a play was started with."""
    return session.open("run", "start", run.id, run.start)


def saved_of(session: Session, run: Run) -> Json:
    """Open the state a retry or an undo starts from; None while the play has not ended."""
    return session.open("run", "saved", run.id, run.saved)


def output_of(session: Session, step: Step) -> Json:
    """Open the output of a step."""
    return session.open("step", "output", f"{step.run}/{step.key}", step.output)


async def add_launch(session: Session, launch: Launch) -> None:
    """Insert a launch."""
    launch.tenant = session.tenant
    session.add(launch)
    await session.flush()


async def find_launch(session: Session, launch_id: str) -> Launch | None:
    """Give a launch."""
    return await session.get(Launch, (session.tenant, launch_id))


async def list_launches(session: Session, *, after: str | None = None, limit: int = 50) -> Page[Launch]:
    """Give launches, newest first."""
    return await fetch_page(session, select(Launch), (col(Launch.started_at), col(Launch.id)), descending=True, after=after, limit=limit)


async def count_states(session: Session, launch: str) -> dict[str, int]:
    """Count the plays of a launch by state, closed ones by outcome."""
    word = func.coalesce(col(Run.outcome), col(Run.state))
    rows = await session.execute(select(word, func.count()).where(col(Run.launch) == launch).group_by(word).order_by(word))
    return {str(name): int(count) for name, count in rows}
