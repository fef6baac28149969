"""Sub-plays: preparing one for its parent, and cancelling or undoing it with its parent."""

import hashlib

from activities.contracts import INTERPRETER, JsonTree, LoadedFacts, PlayCall, PlayControl, PlayStarted, RunInput, RunRef, TriggerInfo
from activities.failures import NotFound
from activities.outlet import Plays
from storage.enrollment.leaving import play_entered
from storage.enrollment.plays import play_workflow_id
from storage.loaded import load_for_play
from storage.repositories.accounts import find_account
from storage.repositories.playbooks import find_version, plan_of
from storage.repositories.runs import add_run, find_run, find_run_by_workflow, reopen_run, saved_of, start_of
from storage.session import Database, Session
from storage.tables import Run


async def prepare_play(database: Database, call: PlayCall) -> PlayStarted:
    """Write the sub-play down and give what starts it. Preparing it again gives the same.

    Raises:
        NotFound: the playbook has no published version, or the account is gone.
    """
    run_id = hashlib.sha256("\x1f".join((call.run.tenant, call.run.chain, call.key, str(call.generation))).encode()).hexdigest()[:32]
    async with database.begin(call.run.tenant) as session:
        run = await find_run(session, run_id) or await _add(session, call, run_id)
        return PlayStarted(workflow_id=run.workflow_id, input=await run_input(session, run))


async def control_play(database: Database, plays: Plays, call: PlayControl) -> None:
    """Cancel or undo a sub-play. One that has ended is taken up again to be undone.

    Raises:
        NotFound: there is no such play.
    """
    # A play remembers requests over all its lives, so each life of the parent asks under an id of its own.
    request_id = f"{call.parent or call.run.run_id}:{call.key}:{call.do}"
    async with database.begin(call.run.tenant) as session:
        workflow_id = (await _sub_play(session, call)).workflow_id
    if call.do == "cancel":
        await plays.cancel(workflow_id, request_id)
        return
    if await plays.undo(workflow_id, request_id, force=call.force, parent=call.parent):
        return
    async with database.begin(call.run.tenant) as session:
        run = await _sub_play(session, call)
        saved = saved_of(session, run)
        if run.state == "closed" and saved is not None:
            start = start_of(session, run)
            kept = {name: value for name, value in start.items() if name not in ("mode", "state")} if isinstance(start, dict) else {}
            await reopen_run(session, run, start={**kept, "mode": "undo", "force": call.force, "parent": call.parent, "state": saved})
        prepared = await run_input(session, run)
    await plays.start(run.workflow_id, prepared)


async def _sub_play(session: Session, call: PlayControl) -> Run:
    run = await find_run_by_workflow(session, call.run.account, call.workflow_id)
    if run is None:
        raise NotFound(f'there is no play "{call.workflow_id}"')
    return run


async def run_input(session: Session, run: Run) -> RunInput:
    """Put together everything a play needs from its row, its version and the account's facts of now.

    Raises:
        NotFound: the version or the account is gone.
    """
    version = await find_version(session, run.playbook, run.version)
    loaded = await load_for_play(session, run.account)
    if version is None or loaded is None:
        missing = f'version {run.version} of "{run.playbook}"' if version is None else f'an account "{run.account}"'
        raise NotFound(f"there is no {missing} any more")
    ref = RunRef(
        tenant=session.tenant,
        run_id=run.id,
        chain=run.chain,
        playbook=run.playbook,
        version=run.version,
        account=run.account,
        launch=run.launch,
    )
    start = start_of(session, run)
    given = start if isinstance(start, dict) else {}
    known = {"run": ref, "plan": plan_of(version), "loaded": LoadedFacts.model_validate(loaded), "owner": run.owner}
    return RunInput.model_validate({**given, **known, "interpreter": INTERPRETER})


async def _add(session: Session, call: PlayCall, run_id: str) -> Run:
    version = await find_version(session, call.playbook)
    if version is None:
        raise NotFound(f'the playbook "{call.playbook}" has no published version')
    account = await find_account(session, call.run.account)
    if account is None:
        raise NotFound(f'there is no account "{call.run.account}"')
    # The episode is the step that starts it.
    workflow_id = play_workflow_id(session.tenant, call.playbook, account.id, f"s-{run_id[:16]}")
    trigger = TriggerInfo(kind="play", id=call.run.run_id)
    run = Run(
        id=run_id,
        chain=run_id,
        workflow_id=workflow_id,
        account=account.id,
        playbook=call.playbook,
        version=version.version,
        launch=call.run.launch,
        parent=call.run.run_id,
        trigger="play",
        started_by=f"play {call.run.playbook}",
        owner=account.csm,
        title=plan_of(version).title,
    )
    start: JsonTree = {"inputs": call.inputs, "trigger": trigger.model_dump(mode="json"), "parent": call.parent, "parent_key": call.key}
    await add_run(session, run, start=start)
    await play_entered(session, run)
    return run
