"""Starts a playbook on many accounts, and undoes all of it."""

import asyncio
from dataclasses import replace

from activities.contracts import TriggerInfo
from api.plays import Plays
from api.problems import LaunchNotFound, Problem
from api.schemas.runs import LaunchUndone, Refusal, StartLaunch
from api.security import Actor
from api.services.audit import audit
from api.services.commands import Asking, RunCommands
from api.services.starting import Enrolled, Enrollment, checked_inputs, enroll, startable_version
from storage.ids import new_id
from storage.repositories.playbooks import plan_of
from storage.repositories.runs import add_launch, find_launch, list_runs_by_launch
from storage.session import Database
from storage.tables import Launch, Run

_UNDONE_AT_ONCE = 20


async def launch_accounts(database: Database, user: Actor, body: StartLaunch) -> tuple[Launch, Enrolled]:
    """Write down a play for each account, in one transaction.

    Raises:
        PlaybookNotFound, PlaybookNotPublished, InputsRefused: nothing was started.
    """
    async with database.begin(user.tenant) as session:
        version = await startable_version(session, body.playbook)
        plan = plan_of(version)
        enrollment = Enrollment(
            accounts=tuple(dict.fromkeys(body.accounts)),
            inputs=await checked_inputs(session, plan, body.inputs),
            by=user.name,
            trigger=TriggerInfo(kind="manual", by=user.name),
            key=body.key,
            launch=new_id(),
        )
        launch = Launch(
            id=str(enrollment.launch),
            playbook=version.slug,
            version=version.version,
            started_by=user.name,
            accounts=len(enrollment.accounts),
        )
        await add_launch(session, launch)
        enrolled = await enroll(session, version, plan, enrollment)
        await audit(session, user.name, "launch.start", "launch", launch.id, {"playbook": version.slug, "accounts": len(enrolled.started)})
    return launch, enrolled


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
