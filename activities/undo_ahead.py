"""What undoing an effect would do, found out by doing it in a transaction that is rolled back. No vendor is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from activities.actions.account_fields import value_now
from activities.actions.ctas import CloseCta, OpenCta, UpdateCta
from activities.actions.records import AddNote, EmitEvent, UpdateAccount
from activities.actions.tasks import CloseTask, CreateTask
from activities.contracts import JsonTree, UndoResult
from activities.effects import InternalAction
from activities.failures import ActionProblem
from storage.repositories.accounts import find_account
from storage.repositories.effects import EffectRecord, open_effect
from storage.session import Session
from storage.tables import Effect

INTERNAL: Final[tuple[InternalAction, ...]] = (
    CreateTask(),
    CloseTask("cancelled"),
    CloseTask("done"),
    OpenCta(),
    UpdateCta(),
    CloseCta(),
    AddNote(),
    EmitEvent(),
    UpdateAccount(),
)
"""The actions on our own tables; none of them needs anything but a session."""

_BY_NAME: Final[Mapping[str, InternalAction]] = {action.contract.name: action for action in INTERNAL}


@dataclass(frozen=True)
class Difference:
    """A field that holds something else than what the play wrote."""

    field: str
    ours: JsonTree
    now: JsonTree


async def look_ahead(session: Session, effect: Effect, *, force: bool) -> UndoResult | None:
    """Say what undoing an effect would come to; None when only the vendor knows. Nothing stays changed.

    Nothing else that was read in the session is kept in it.
    """
    action = _BY_NAME.get(effect.action)
    if action is None or action.contract.undo is None:
        return None
    attempt = await session.begin_nested()
    try:
        return await action.undo(session, open_effect(session, effect), force=force)
    except ActionProblem as problem:
        return UndoResult(status="conflict", detail=str(problem))
    finally:
        await attempt.rollback()
        # What the attempt read and changed in memory is not what is there.
        session.expunge_all()


async def differences(session: Session, effect: Effect) -> list[Difference]:
    """Give the fields of the account that somebody changed since, with both values; none for anything but account fields."""
    if effect.action != UpdateAccount.contract.name:
        return []
    record = open_effect(session, effect)
    account = await find_account(session, record.account)
    before, written = _part(record, "before"), _part(record, "written")
    if account is None:
        return []
    now = {name: value_now(account, name) for name in written}
    return [Difference(name, ours, now[name]) for name, ours in written.items() if now[name] not in (ours, before.get(name))]


def _part(record: EffectRecord, name: str) -> Mapping[str, JsonTree]:
    found = record.prior.get(name) if isinstance(record.prior, dict) else None
    return found if isinstance(found, dict) else {}
