"""The ledger around every action: an effect happens once, and what happened can be taken back.

An effect on our own tables is one transaction together with its row of the ledger. An effect on a vendor is three steps: the row is
written as *intended*, the vendor is called with the effect's key, the answer is stored. Whoever comes again finds the row.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from activities.budget import Reached, ask_budget, queue_up
from activities.connections import Turn, book_call, called
from activities.contracts import ActionCall, ActionResult, JsonTree, RunRef, UndoCall, UndoResult
from activities.definitions.contract import ActionContract
from activities.failures import ActionProblem, CannotBeUndone, EffectUndone, OverBudget, RequestChanged
from connectors.errors import ConnectorError, NotAuthorized, Rejected
from connectors.vendor import Vendor
from storage.repositories.effects import EffectRecord, add_effect, change_effect, effect_key, find_effect
from storage.repositories.touches import forget_touches
from storage.session import Database, Session
from storage.tables import Effect

Inputs: TypeAlias = dict[str, JsonTree]


@dataclass(frozen=True)
class Work:
    """One effect to perform: the call, and the key that identifies the effect for us and for the vendor.

    `prior`: see `look`. `in_doubt`: an earlier attempt broke off, and may have taken effect.
    """

    call: ActionCall
    key: str
    prior: JsonTree = None
    in_doubt: bool = False

    @property
    def run(self) -> RunRef:
        """The play it belongs to."""
        return self.call.run

    @property
    def object_id(self) -> str:
        """The id of what the effect makes; the same for every attempt."""
        return self.key[:32]


@dataclass(frozen=True)
class Outcome:
    """What an action did. `prior` is what was there before, for the undo; `live` the object whose changes update the output."""

    output: dict[str, JsonTree]
    prior: JsonTree = None
    vendor_id: str | None = None
    live: str | None = None
    skipped: bool = False
    note: str | None = None

    def result(self) -> ActionResult:
        """Give the form in which it goes back to the play."""
        return ActionResult(output=self.output, live=self.live, status="skipped" if self.skipped else "done", note=self.note)


class InternalAction(ABC):
    """An effect on our own tables."""

    contract: ActionContract

    @abstractmethod
    async def apply(self, session: Session, work: Work) -> Outcome:
        """Change the tables; the ledger's row is written in the same transaction."""

    async def undo(self, session: Session, record: EffectRecord, *, force: bool) -> UndoResult:
        """Change them back, after a look at what is there now."""
        raise CannotBeUndone(f'what "{self.contract.name}" did cannot be taken back')


class ReadAction(ABC):
    """A look at a vendor. It changes nothing, so the ledger has no row of it."""

    contract: ActionContract
    vendor: Vendor[Any] | None = None

    @abstractmethod
    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Settle what is asked for."""

    @abstractmethod
    async def read(self, work: Work, request: Inputs) -> Outcome:
        """Ask the vendor."""


class ExternalAction(ABC):
    """An effect on a vendor. `vendor` says whose allowance it is counted against; None for services without one."""

    contract: ActionContract
    vendor: Vendor[Any] | None = None

    async def vendor_for(self, session: Session, request: JsonTree) -> Vendor[Any] | None:
        """Give the vendor that an attempt will call; `request` is the earlier attempt's, None for the first one."""
        return self.vendor

    @abstractmethod
    async def prepare(self, session: Session, work: Work) -> Inputs | Outcome:
        """Settle everything the request needs (recipients, texts); it is stored and the same for every attempt.

        An `Outcome` instead says that nothing is to be sent.
        """

    def reached(self, request: Inputs) -> tuple[Reached, ...]:
        """Give the people at the customer to whom the request is a message; what they get is counted."""
        return ()

    async def look(self, work: Work, request: Inputs) -> JsonTree:
        """Give what is there before the effect, for an undo to put back; None when nothing is needed.

        It is written down before the effect is attempted, and `send` finds it as `work.prior`: an attempt that comes after one that broke
        off would see what that one left, and take it for what was there before.
        """
        return None

    @abstractmethod
    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Call the vendor with `work.key`."""

    @abstractmethod
    async def find(self, work: Work, request: Inputs) -> Outcome | bool | None:
        """Ask the vendor for the effect: an Outcome, or False when it did not happen; None when the vendor cannot tell.

        True says that the vendor recognises the key itself, so that sending again is safe.
        """

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Take it back at the vendor; "not there" is `nothing`. The row holds the request, what was there before, and the result."""
        raise CannotBeUndone(f'what "{self.contract.name}" did cannot be taken back')


Action: TypeAlias = InternalAction | ReadAction | ExternalAction
Pause: TypeAlias = Callable[[Work], Awaitable[None]]


class Ledger:
    """Performs and takes back effects."""

    def __init__(self, database: Database, actions: Mapping[str, Action], *, after_answer: Pause | None = None) -> None:
        """Use these actions by name.

        Args:
            database: where the ledger is.
            actions: what can be performed.
            after_answer: awaited between a vendor's answer and the row that stores it. The drill kills workers there; nobody else sets it.
        """
        self._database = database
        self._actions = actions
        self._after_answer = after_answer

    async def perform(self, call: ActionCall) -> ActionResult:
        """Perform an effect, or give the stored result when it was performed before.

        Raises:
            ConnectorError: the vendor refused or cannot be reached.
            ActionProblem: it cannot be performed as asked.
        """
        action = self._actions[call.action]
        work = Work(call, effect_key(call.run.tenant, call.run.chain, call.key, call.generation))
        if isinstance(action, InternalAction):
            return await self._perform_internal(action, work)
        if isinstance(action, ReadAction):
            return await self._read(action, work)
        try:
            return await self._perform_external(action, work)
        except OverBudget as over:
            await queue_up(self._database, call.run.tenant, over)
            raise

    async def undo(self, call: UndoCall) -> UndoResult:
        """Take an effect back, if it happened or may have happened.

        Raises:
            ConnectorError, ActionProblem: the vendor refused or cannot be reached, or what is needed is not there; the row then says
                `undo_failed`.
            CannotBeUndone: the action has no inverse.
        """
        action = self._actions[call.action]
        key = effect_key(call.run.tenant, call.run.chain, call.key, call.generation)
        if isinstance(action, InternalAction):
            return await self._undo_internal(action, call, key)
        if isinstance(action, ReadAction):
            return UndoResult(status="nothing", detail="it changed nothing")
        return await self._undo_external(action, call, key)

    async def _read(self, action: ReadAction, work: Work) -> ActionResult:
        tenant = work.run.tenant
        async with self._database.begin(tenant) as session:
            turn = await book_call(session, action.vendor, work.call.booked)
            request = await action.prepare(session, work)
        if turn.wait is not None:
            raise turn.wait
        return (await called(self._database, tenant, turn, action.read(work, request))).result()

    async def _perform_internal(self, action: InternalAction, work: Work) -> ActionResult:
        async with self._database.begin(work.run.tenant) as session:
            known = await find_effect(session, work.key, lock=True)
            if known is not None:
                result = _known_result(known, work)
                if result is None:
                    raise RequestChanged(f"step {work.call.key}: an effect on our own tables cannot be {known.status}")
            else:
                outcome = await action.apply(session, work)
                result = outcome.result()
                row = _row(work, action.contract, status=result.status)
                row.vendor_id = outcome.vendor_id
                await add_effect(session, row, request=dict(work.call.inputs), prior=outcome.prior, result=_stored(result))
        return result

    async def _undo_internal(self, action: InternalAction, call: UndoCall, key: str) -> UndoResult:
        async with self._database.begin(call.run.tenant) as session:
            record = await find_effect(session, key, lock=True)
            settled = await _settled(session, record, call, key, action.contract)
            if settled is not None:
                return settled
            result = await action.undo(session, _present(record), force=call.force)
            await _write_undo(session, key, result)
        return result

    async def _perform_external(self, action: ExternalAction, work: Work) -> ActionResult:
        async with self._database.begin(work.run.tenant) as session:
            known = await find_effect(session, work.key, lock=True)
            result = _known_result(known, work) if known else None
            if result is not None:
                return result
            # Before the intention is written: an attempt that waits for its turn leaves nothing in doubt.
            vendor = await action.vendor_for(session, known.request if known else None)
            turn = await book_call(session, vendor, work.call.booked)
            in_doubt = turn.wait is None and known is not None and known.status == "intended"
            begun: JsonTree = None
            if turn.wait is None:
                begun = _present(known).request if in_doubt else await self._begin_attempt(session, action, work, known)
        if turn.wait is not None:
            raise turn.wait
        if in_doubt:
            work = replace(work, prior=_present(known).prior, in_doubt=True)
            settled = await self._ask_vendor(action, work, begun, turn)
            if settled is not None:
                return settled
            if _present(known).digest != digest_of(work.call):
                # Nothing came of the earlier attempt, so what is asked for now may be done instead.
                work = replace(work, prior=None, in_doubt=False)
                async with self._database.begin(work.run.tenant) as session:
                    begun = await self._begin_attempt(session, action, work, known)
        return begun if isinstance(begun, ActionResult) else await self._send(action, work, begun, turn)

    async def _begin_attempt(
        self, session: Session, action: ExternalAction, work: Work, known: EffectRecord | None
    ) -> Inputs | ActionResult:
        """Write the intention, and give the request; or give the result when nothing is to be sent."""
        request: Inputs
        waited = work.call.sending is not None and work.call.sending.waited
        if known is not None and isinstance(known.request, dict) and known.digest == digest_of(work.call) and not waited:
            # The same recipients and texts as before, though somebody else's turn may have come meanwhile.
            request = known.request
        else:
            prepared = await action.prepare(session, work)
            if isinstance(prepared, Outcome):
                return await self._write_skipped(session, action, work, prepared, known)
            request = prepared
        await _count(session, action, work, request)
        await _write_intention(session, action, work, request, known)
        return request

    @staticmethod
    async def _write_skipped(
        session: Session, action: ExternalAction, work: Work, outcome: Outcome, known: EffectRecord | None
    ) -> ActionResult:
        result = outcome.result()
        if known is None:
            await add_effect(session, _row(work, action.contract, status=result.status), result=_stored(result))
        else:
            await change_effect(session, work.key, result.status, result=_stored(result))
            await forget_touches(session, work.key)
        return result

    async def _ask_vendor(self, action: ExternalAction, work: Work, request: Inputs, turn: Turn) -> ActionResult | None:
        """Settle an attempt whose outcome is not known; None means that sending (again) is right."""
        found = await called(self._database, work.run.tenant, turn, action.find(work, request))
        if isinstance(found, Outcome):
            return await self._write_done(action, work, found)
        if found is False:
            await self._count_again(action, work, request)
        if found is not None or action.contract.policy == "at_least_once":
            return None
        detail = "an earlier attempt broke off, and nobody can tell whether it took effect"
        result = ActionResult(status="unknown", note=detail)
        async with self._database.begin(work.run.tenant) as session:
            await change_effect(session, work.key, "unknown", detail=detail, result=_stored(result))
        return result

    async def _count_again(self, action: ExternalAction, work: Work, request: Inputs) -> None:
        """Count a message that did not leave at its time as one that leaves now; while it must wait, it is one that failed."""
        tenant = work.run.tenant
        try:
            async with self._database.begin(tenant) as session:
                await _count(session, action, work, request)
        except OverBudget:
            async with self._database.begin(tenant) as session:
                await change_effect(session, work.key, "failed", only_from=("intended",), detail="it did not leave")
                await forget_touches(session, work.key)
            raise

    async def _send(self, action: ExternalAction, work: Work, request: Inputs, turn: Turn) -> ActionResult:
        try:
            work = await self._looked(action, work, request, turn)
            outcome = await called(self._database, work.run.tenant, turn, action.send(work, request))
        except (ConnectorError, ActionProblem) as error:
            await self._write_failed(action, work, error)
            raise
        if self._after_answer is not None:
            await self._after_answer(work)
        return await self._write_done(action, work, outcome)

    async def _looked(self, action: ExternalAction, work: Work, request: Inputs, turn: Turn) -> Work:
        if work.prior is not None:
            return work
        prior = await called(self._database, work.run.tenant, turn, action.look(work, request))
        if prior is None:
            return work
        async with self._database.begin(work.run.tenant) as session:
            if not await change_effect(session, work.key, "intended", only_from=("intended",), prior=prior):
                # Sent all the same, it could not be taken back any more: nobody would know what was there.
                raise EffectUndone(f"step {work.call.key}: the effect was taken back before this attempt")
        return replace(work, prior=prior)

    async def _write_failed(self, action: ExternalAction, work: Work, error: ConnectorError | ActionProblem) -> None:
        """Write down that the vendor did not do it; where that is in doubt, the row stays as it is and the next attempt asks.

        A problem of ours is found before the vendor is asked to change anything, but an earlier attempt may have changed it.
        """
        maybe_done = isinstance(error, ConnectorError) and error.maybe_done
        final = isinstance(error, Rejected | NotAuthorized)
        if work.in_doubt or (maybe_done and not final):
            return
        async with self._database.begin(work.run.tenant) as session:
            status = "unknown" if maybe_done else "failed"
            written = await change_effect(session, work.key, status, only_from=("intended",), detail=str(error)[:2000])
            if written and status == "failed" and action.contract.sends:
                await forget_touches(session, work.key)

    async def _write_done(self, action: ExternalAction, work: Work, outcome: Outcome) -> ActionResult:
        result = outcome.result()
        prior = work.prior if outcome.prior is None else outcome.prior
        told = {"result": _stored(result), "vendor_id": outcome.vendor_id, "prior": prior}
        async with self._database.begin(work.run.tenant) as session:
            written = await change_effect(session, work.key, result.status, only_from=("intended", "unknown"), detail=None, **told)
            if written and outcome.skipped and action.contract.sends:
                await forget_touches(session, work.key)
            record = None if written else await find_effect(session, work.key)
        if record is not None and record.status == "undone" and action.contract.undo is not None:
            # A worker that was thought dead has done it after its undo.
            await action.undo(work.run.tenant, replace(record, result=_stored(result), vendor_id=outcome.vendor_id), force=True)
            raise EffectUndone(f"step {work.call.key}: the effect came after its undo, and was taken back again")
        return result

    async def _undo_external(self, action: ExternalAction, call: UndoCall, key: str) -> UndoResult:
        async with self._database.begin(call.run.tenant) as session:
            record = await find_effect(session, key, lock=True)
            settled = await _settled(session, record, call, key, action.contract)
            if settled is not None:
                return settled
            vendor = await action.vendor_for(session, _present(record).request)
            turn = await book_call(session, vendor, call.booked)
        if turn.wait is not None:
            raise turn.wait
        try:
            result = await called(self._database, call.run.tenant, turn, action.undo(call.run.tenant, _present(record), force=call.force))
        except (ConnectorError, ActionProblem) as error:
            async with self._database.begin(call.run.tenant) as session:
                await change_effect(session, key, "undo_failed", detail=str(error)[:2000])
            raise
        async with self._database.begin(call.run.tenant) as session:
            await _write_undo(session, key, result)
        return result


def digest_of(call: ActionCall) -> str:
    """Give the digest of what a call asks for."""
    asked = {"action": call.action, "inputs": call.inputs, "message": call.message.model_dump(mode="json") if call.message else None}
    return hashlib.sha256(json.dumps(asked, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def _row(work: Work, contract: ActionContract, *, status: str) -> Effect:
    call = work.call
    return Effect(
        key=work.key,
        chain=call.run.chain,
        run=call.run.run_id,
        step_key=call.key,
        generation=call.generation,
        action=call.action,
        title=call.title,
        effect_class=contract.effect,
        account=call.run.account,
        launch=call.run.launch,
        status=status,
        digest=digest_of(call),
    )


def _stored(result: ActionResult) -> JsonTree:
    return result.model_dump(mode="json", exclude_defaults=True)


def _known_result(known: EffectRecord, work: Work) -> ActionResult | None:
    """Give the stored result of an effect, None when an attempt is still to be made (`intended`, `failed`)."""
    if known.status in ("undone", "conflict", "undo_failed"):
        raise EffectUndone(f"step {work.call.key}: the effect was taken back before this attempt")
    if known.status in ("intended", "failed"):
        return None
    if known.digest != digest_of(work.call):
        raise RequestChanged(f"step {work.call.key} asks for something else than before, and that is {known.status} already")
    return ActionResult.model_validate(known.result or {"status": known.status})


async def _count(session: Session, action: ExternalAction, work: Work, request: Inputs) -> None:
    channel = action.contract.sends
    if channel is not None:
        await ask_budget(session, work.call, work.key, channel, action.reached(request))


async def _write_intention(session: Session, action: ExternalAction, work: Work, request: Inputs, known: EffectRecord | None) -> None:
    if known is None:
        await add_effect(session, _row(work, action.contract, status="intended"), request=request)
        return
    attempts, digest = known.attempts + 1, digest_of(work.call)
    await change_effect(session, work.key, "intended", request=request, attempts=attempts, digest=digest, detail=None)


async def _settled(session: Session, record: EffectRecord | None, call: UndoCall, key: str, contract: ActionContract) -> UndoResult | None:
    """Answer an undo for which nothing is left to do, None when there is."""
    if record is None:
        # The row keeps an attempt that is still on its way from taking effect after its undo.
        attempt = ActionCall(run=call.run, key=call.key, title=call.title, action=call.action, generation=call.generation)
        await add_effect(session, _row(Work(attempt, key), contract, status="undone"))
        return UndoResult(status="nothing", detail="it was never attempted")
    if record.status == "undone":
        return UndoResult(status="undone", detail=record.detail)
    if record.status in ("failed", "skipped"):
        return UndoResult(status="nothing", detail="it had no effect")
    if contract.undo is None:
        raise CannotBeUndone(f'what "{call.action}" did cannot be taken back')
    return None


async def _write_undo(session: Session, key: str, result: UndoResult) -> None:
    await change_effect(session, key, "conflict" if result.status == "conflict" else "undone", detail=result.detail)


def _present(record: EffectRecord | None) -> EffectRecord:
    if record is None:
        raise AssertionError("a missing row is settled before")
    return record
