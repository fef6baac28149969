"""Starts a playbook on many accounts, and undoes all of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from api.plays import Plays
from api.problems import EnrollmentRefused, LaunchNotFound, Problem
from api.schemas.runs import LaunchUndone, Refusal, StartLaunch
from api.security import Actor
from api.services.audit import audit
from api.services.commands import Asking, RunCommands
from api.services.starting import checked_inputs, startable_version, unknown_account
from enrollment.states import Reason, State
from playbook_dsl.values import Json
from storage.enrollment.entering import Came, Coming, Entered, Entry, enter
from storage.ids import new_id
from storage.repositories.runs import add_launch, find_launch, list_runs_by_ids, list_runs_by_launch
from storage.session import Database
from storage.tables import Launch, Run

_UNDONE_AT_ONCE = 20
BULK_RANK = 1
"""How urgent the accounts of a list are against others that wait for room: after a click, before a sweep."""


@dataclass(frozen=True)
class Launched:
    """What came of a launch. `there`: the plays that some accounts are in already, by account."""

    launch: Launch
    entered: Entered
    there: Mapping[str, Run]


async def launch_accounts(database: Database, user: Actor, body: StartLaunch) -> Launched:
    """Ask the rules about each account, and write down what follows, in one transaction.

    Raises:
        PlaybookNotFound, PlaybookNotPublished, InputsRefused: nothing was started.
    """
    async with database.begin(user.tenant) as session:
        playbook = await startable_version(session, body.playbook)
        inputs = await checked_inputs(session, playbook.plan, body.inputs)
        accounts = tuple(dict.fromkeys(body.accounts))
        now = datetime.now(UTC)
        launch = Launch(id=new_id(), playbook=playbook.slug, version=playbook.version, started_by=user.name, accounts=len(accounts))
        await add_launch(session, launch)
        entry = Entry(
            trigger="manual",
            now=now,
            by=user.name,
            inputs=inputs,
            ignore=frozenset(body.ignore),
            launch=launch.id,
            key=body.key,
            rank=BULK_RANK,
        )
        entered = await enter(session, playbook, entry, [Coming(account) for account in accounts])
        launch.counts, launch.status, launch.ended_at = dict(entered.counts()), "done", now
        there = {one.account: one.standing.run for one in entered.came if one.decision.state is State.REFUSED and one.standing}
        runs = await list_runs_by_ids(session, [run for run in there.values() if run])
        details: dict[str, Json] = {"playbook": playbook.slug, "accounts": len(entered.started), "ignore": [*sorted(body.ignore)]}
        await audit(session, user.name, "launch.start", "launch", launch.id, details)
    return Launched(launch, entered, {account: runs[run] for account, run in there.items() if run and run in runs})


async def undo_launch(database: Database, plays: Plays, asking: Asking, launch_id: str, *, force: bool) -> LaunchUndone:
    """Tell every play of a launch to take back what it did, twenty at once.

    Raises:
        LaunchNotFound: there is none with this id.
    """
    async with database.begin(asking.tenant) as session:
        if await find_launch(session, launch_id) is None:
            raise LaunchNotFound(f'There is no launch "{launch_id[:80]}".')
        runs = await list_runs_by_launch(session, launch_id)
        await audit(session, asking.by, "launch.undo", "launch", launch_id, {"reason": asking.reason, "force": force})
    commands = RunCommands(database, plays)
    free = asyncio.Semaphore(_UNDONE_AT_ONCE)
    done = LaunchUndone(undoing=0, nothing=0)

    async def one(run: Run) -> None:
        async with free:
            try:
                answer = await commands.undo(replace(asking, request_id=f"{asking.request_id}:{run.id}"), run.id, force=force)
            except Problem as problem:
                done.refused.append(Refusal(account=run.account, code=problem.code, detail=problem.detail))
                return
        if answer.changed:
            done.undoing += 1
        else:
            done.nothing += 1

    await asyncio.gather(*(one(run) for run in runs))
    return done


def refusal(came: Came) -> Refusal:
    """Say why an account of a list did not enter."""
    problem = unknown_account(came.account) if came.decision.reason is Reason.UNKNOWN else EnrollmentRefused
    detail = problem.detail if isinstance(problem, Problem) else f"{came.account} {came.decision.detail}."
    return Refusal(account=came.account, code=problem.code, reason=str(came.decision.reason), detail=detail)
