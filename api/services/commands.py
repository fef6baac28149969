"""What people tell plays: to those under way by command, to those that have ended by taking them up again."""

from dataclasses import dataclass
from typing import Any

import structlog

from activities.catalog import ACTIONS
from activities.contracts import JsonTree
from api.plays import PlayGone, Plays
from api.problems import FieldProblem, InputsRefused, Problem, RunClosed, RunNotFound, RunStillActive, StepNotFound
from api.services.audit import audit
from api.services.starting import begin
from playbook_dsl.catalog import ActionDef
from playbook_dsl.expressions.problems import near_or_all
from playbook_dsl.plan import walk
from storage.ids import new_id
from storage.repositories.effects import list_effects_by_chain
from storage.repositories.playbooks import find_version, plan_of
from storage.repositories.runs import find_run, find_step, list_sub_plays, reopen_run, saved_of, start_of
from storage.session import Database, Session
from storage.tables import Run
from workflows.messages import Command, CommandAnswer

log = structlog.get_logger()

# What a play left behind that an undo can still take back; a conflict only when told to overwrite.
_UNDOABLE = {"intended", "done", "unknown", "undo_failed"}


# What says how an ended play is taken up again; the rest of its start stays.
_HOW = {"mode", "force", "state", "retry_from"}


@dataclass(frozen=True)
class Asking:
    """Who tells a play something, and under which request id repetitions are recognised."""

    tenant: str
    by: str
    request_id: str
    reason: str | None = None


class RunCommands:
    """Commands to plays, whatever state they are in."""

    def __init__(self, database: Database, plays: Plays) -> None:
        """Keep where rows and plays are."""
        self._database = database
        self._plays = plays

    async def tell(self, asking: Asking, run_id: str, do: str, **particulars: Any) -> CommandAnswer:  # fields of Command
        """Tell a play that is under way something.

        Raises:
            RunNotFound: there is no such play.
            RunClosed: it has ended.
            Problem: the play refused; the kind says why.
        """
        async with self._database.begin(asking.tenant) as session:
            run = await existing_run(session, run_id)
            if run.state == "closed":
                raise closed(run)
        command = Command.model_validate(
            {"do": do, "request_id": asking.request_id, "by": asking.by, "reason": asking.reason, **particulars}
        )
        answer = await self._send(asking.tenant, run, command)
        async with self._database.begin(asking.tenant) as session:
            await audit(session, asking.by, f"run.{do}", "run", run_id, {"reason": asking.reason, "key": command.key})
        return answer

    async def _send(self, tenant: str, run: Run, command: Command) -> CommandAnswer:
        try:
            return await self._plays.command(run.workflow_id, command)
        except PlayGone:
            if run.state != "starting":
                raise closed(run) from None
        # Written down, but Temporal was away when it should have begun: it begins now.
        await begin(self._database, self._plays, tenant, run.id)
        try:
            return await self._plays.command(run.workflow_id, command)
        except PlayGone:
            raise closed(run) from None

    async def edit(self, asking: Asking, run_id: str, key: str, inputs: dict[str, JsonTree]) -> CommandAnswer:
        """Try a held step again with other inputs.

        Raises:
            InputsRefused: the step's action has no such input.
            Problem: as for `tell`.
        """
        async with self._database.begin(asking.tenant) as session:
            step = await find_step(session, run_id, key)
        action = ACTIONS.get(step.kind) if step is not None else None
        if action is not None and (unknown := inputs.keys() - action.inputs.keys()):
            raise InputsRefused(errors=[_unknown_input(name, action) for name in sorted(unknown)])
        return await self.tell(asking, run_id, "edit", key=key, inputs=inputs)

    async def undo(self, asking: Asking, run_id: str, *, force: bool) -> CommandAnswer:
        """Take back what a play did, whether it is under way or has ended. Undoing twice changes nothing the second time."""
        async with self._database.begin(asking.tenant) as session:
            run = await existing_run(session, run_id, lock=True)
            has_ended = run.state == "closed"
            if has_ended:
                if not await _anything_to_undo(session, run, force=force):
                    return CommandAnswer(changed=False, state="closed", message="nothing is left to take back")
                await self._reopen(session, run, {"mode": "undo", "force": force})
                await audit(session, asking.by, "run.undo", "run", run_id, {"reason": asking.reason, "force": force})
        if not has_ended:
            return await self.tell(asking, run_id, "undo", force=force)
        await self._begin(asking.tenant, run_id)
        return CommandAnswer(changed=True, state="undoing", message="what was done is taken back")

    async def retry_from(self, asking: Asking, run_id: str, key: str) -> CommandAnswer:
        """Go on with a play that has ended from one of its steps.

        Raises:
            RunStillActive: it has not ended.
            StepNotFound: its plan has no such step outside of loops.
        """
        async with self._database.begin(asking.tenant) as session:
            run = await existing_run(session, run_id, lock=True)
            if run.state != "closed":
                raise RunStillActive(f"The play {run_id} is {run.state}; cancel it first, or retry a held step in place.")
            version = await find_version(session, run.playbook, run.version)
            if version is None or key not in {step.id for step in walk(plan_of(version).steps)}:
                raise StepNotFound(f'The play has no step "{key}" to begin with; inside a loop, begin with the loop itself.')
            await self._reopen(session, run, {"retry_from": key})
            await audit(session, asking.by, "run.retry_from", "run", run_id, {"reason": asking.reason, "from": key})
        await self._begin(asking.tenant, run_id)
        return CommandAnswer(changed=True, state="starting", message=f'the play goes on from step "{key}"')

    async def live_state(self, tenant: str, run_id: str) -> dict[str, JsonTree]:
        """Ask a play what it knows of itself.

        Raises:
            RunClosed: it has ended.
        """
        async with self._database.begin(tenant) as session:
            run = await existing_run(session, run_id)
        if run.state == "closed":
            raise closed(run)
        try:
            return await self._plays.state(run.workflow_id)
        except PlayGone:
            raise closed(run) from None

    async def _reopen(self, session: Session, run: Run, how: dict[str, Any]) -> None:
        start = start_of(session, run)
        kept = {name: value for name, value in start.items() if name not in _HOW} if isinstance(start, dict) else {}
        saved = saved_of(session, run)
        if saved is None:
            raise RunClosed(f"The play {run.id} ended before it did anything; start a new one.")
        await reopen_run(session, run, start={**kept, **how, "state": saved})

    async def _begin(self, tenant: str, run_id: str) -> None:
        try:
            await begin(self._database, self._plays, tenant, run_id)
        except Problem as problem:
            # It is written down; the relay begins it when Temporal is back.
            log.warning("play taken up again later", run=run_id, reason=problem.code)


async def existing_run(session: Session, run_id: str, *, lock: bool = False) -> Run:
    """Give a play.

    Raises:
        RunNotFound: there is none with this id.
    """
    run = await find_run(session, run_id, lock=lock)
    if run is None:
        raise RunNotFound(f'There is no play "{run_id[:80]}"; GET /v1/runs lists them.')
    return run


def closed(run: Run) -> RunClosed:
    """Give the problem of telling something to a play that has ended."""
    how = f" as {run.outcome}" if run.outcome else ""
    return RunClosed(f"The play {run.id} has ended{how}; undo it, retry it from a step, or start a new one.")


def _unknown_input(name: str, action: ActionDef) -> FieldProblem:
    hint = near_or_all(name, action.inputs)
    return FieldProblem(pointer=f"#/inputs/{name}", detail=f'"{action.name}" has no input of this name; {hint}', code="unknown_input")


def new_request_id(given: str | None) -> str:
    """Give the id under which a play recognises a repeated command."""
    return given or new_id()


async def _anything_to_undo(session: Session, run: Run, *, force: bool) -> bool:
    if run.saved is None:
        return False
    wanted = _UNDOABLE | ({"conflict"} if force else set())
    effects = await list_effects_by_chain(session, run.chain)
    if any(effect.status in wanted and effect.effect_class in ("reversible", "compensable") for effect in effects):
        return True
    # What its sub-plays did is in ledgers of their own, and is taken back with it.
    return any([sub.state != "closed" or await _anything_to_undo(session, sub, force=force) for sub in await list_sub_plays(session, run)])
