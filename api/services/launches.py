"""Starts a playbook on many accounts, and undoes all of it."""

import asyncio
from dataclasses import dataclass, field, replace

from activities.contracts import TriggerInfo
from api.plays import Plays
from api.problems import LaunchNotFound, Problem
from api.schemas.runs import LaunchUndone, Refusal, StartLaunch
from api.security import Actor
from api.services.audit import audit
from api.services.commands import Asking, RunCommands
from api.services.relay import begin_all
from api.services.starting import Enrollment, checked_inputs, enroll, startable_version
from storage.ids import new_id
from storage.repositories.playbooks import plan_of
from storage.repositories.runs import add_launch, find_launch, find_run, list_runs_by_launch
from storage.session import Database
from storage.tables import Launch, Run

# So many are begun before the answer leaves; the relay begins the rest of a longer list.
_BEGUN_AT_ONCE = 200
_UNDONE_AT_ONCE = 20


@dataclass
class Launched:
    """What came of a launch."""

    launch: Launch
    started: list[Run] = field(default_factory=list)
    existing: list[Run] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


async def launch_accounts(database: Database, plays: Plays, user: Actor, body: StartLaunch) -> Launched:
    """Write down a play for each account in one transaction, then begin them.

    Raises:
        PlaybookNotFound, PlaybookNotPublished, InputsRefused: nothing was started.
    """
    async with database.begin(user.tenant) as session:
        version = await startable_version(session, body.playbook)
        plan = plan_of(version)
        inputs = await checked_inputs(session, plan, body.inputs)
        # Sorted, because two launches at once lock accounts and must do so in the same order.
        accounts = sorted(set(body.accounts))
        launch = Launch(id=new_id(), playbook=version.slug, version=version.version, started_by=user.name, accounts=len(accounts))
        await add_launch(session, launch)
        found = Launched(launch)
        for account in accounts:
            trigger = TriggerInfo(kind="manual", by=user.name)
            enrollment = Enrollment(account=account, inputs=inputs, by=user.name, trigger=trigger, key=body.key, launch=launch.id)
            try:
                run, is_new = await enroll(session, version, plan, enrollment)
            except Problem as problem:
                found.refused.append(Refusal(account=account, code=problem.code, detail=problem.detail))
                continue
            (found.started if is_new else found.existing).append(run)
        await audit(session, user.name, "launch.start", "launch", launch.id, {"playbook": version.slug, "accounts": len(found.started)})
    await begin_all(database, plays, user.tenant, [run.id for run in found.started[:_BEGUN_AT_ONCE]])
    async with database.begin(user.tenant) as session:
        found.started = [await find_run(session, run.id) or run for run in found.started]
    return found


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
