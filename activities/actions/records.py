"""`note.add`, `event.emit` and `account.update`."""

from activities.actions.account_fields import differing, put, read_fields, value_now
from activities.contracts import UndoResult
from activities.definitions.records import (
    ACCOUNT_UPDATE,
    EVENT_EMIT,
    NOTE_ADD,
    AddNoteInput,
    EmitEventInput,
    EventOutput,
    NoteOutput,
    UpdateAccountInput,
    UpdateAccountOutput,
)
from activities.effects import InternalAction, Outcome, Work
from activities.failures import NotFound
from activities.news import tell_play
from activities.reading import output_of, read_inputs
from storage.repositories.accounts import find_account, hold_account
from storage.repositories.effects import EffectRecord
from storage.repositories.events import add_event, event_of
from storage.repositories.runs import list_active_runs_by_account
from storage.repositories.tenants import find_tenant
from storage.repositories.timeline import add_note, delete_note, find_note
from storage.session import Session
from storage.tables import Note
from storage.triggers.arriving import event_arrived

OWN_EVENTS = "playkeeper"
"""The source of events that plays emit."""


class AddNote(InternalAction):
    """Writes a note on the account's timeline."""

    contract = NOTE_ADD

    async def apply(self, session: Session, work: Work) -> Outcome:
        """Add the note; its id follows from the effect's key."""
        inputs = read_inputs(AddNoteInput, work.call)
        note = Note(
            id=work.object_id,
            account=work.run.account,
            text=inputs.text,
            author=f"play {work.run.playbook}",
            run=work.run.run_id,
            step_key=work.call.key,
        )
        await add_note(session, note)
        return Outcome(output_of(NoteOutput(note_id=note.id)), prior={"text": inputs.text})

    async def undo(self, session: Session, record: EffectRecord, *, force: bool) -> UndoResult:
        """Remove the note, unless a person wrote into it."""
        note = await find_note(session, record.key[:32])
        if note is None:
            return UndoResult(status="nothing", detail="the note is gone already")
        written = record.prior.get("text") if isinstance(record.prior, dict) else None
        if note.text != written and not force:
            return UndoResult(status="conflict", detail="somebody changed the note since")
        await delete_note(session, note.id)
        return UndoResult(status="undone", detail="removed the note")


class EmitEvent(InternalAction):
    """Tells other plays of the account that something happened."""

    contract = EVENT_EMIT

    async def apply(self, session: Session, work: Work) -> Outcome:
        """Write the event down; its id follows from the effect's key."""
        inputs = read_inputs(EmitEventInput, work.call)
        event = event_of(inputs.name, OWN_EVENTS, work.key, work.object_id, account=work.run.account)
        await hold_account(session, work.run.account)
        runs = await list_active_runs_by_account(session, work.run.account)
        event.matched = len(runs)
        if await add_event(session, event, inputs.fields):
            await event_arrived(session, event, work.run.account)
        for run in runs:
            await tell_play(session, run.workflow_id, kind="event", news_id=event.id, name=event.name, fields=inputs.fields)
        return Outcome(output_of(EventOutput(event_id=event.id, told=len(runs))), vendor_id=event.id)


class UpdateAccount(InternalAction):
    """Sets fields of the account, and remembers what was there."""

    contract = ACCOUNT_UPDATE

    async def apply(self, session: Session, work: Work) -> Outcome:
        """Set the fields."""
        inputs = read_inputs(UpdateAccountInput, work.call)
        account = await find_account(session, work.run.account, lock=True)
        if account is None:
            raise NotFound(f'there is no account "{work.run.account}"')
        wanted = await read_fields(session, await find_tenant(session), inputs.set)
        before = {name: value_now(account, name) for name in wanted}
        changed = [name for name, value in wanted.items() if before[name] != value]
        await put(session, account, {name: wanted[name] for name in changed}, by=f"play {work.run.playbook}")
        written = {name: wanted[name] for name in changed}
        prior = {"before": {name: before[name] for name in changed}, "written": written}
        return Outcome(output_of(UpdateAccountOutput(changed=changed)), prior=prior)

    async def undo(self, session: Session, record: EffectRecord, *, force: bool) -> UndoResult:
        """Put back the values from before. A field that somebody changed since is left alone, unless forced."""
        account = await find_account(session, record.account, lock=True)
        prior = record.prior if isinstance(record.prior, dict) else {}
        before, written = prior.get("before"), prior.get("written")
        if account is None or not isinstance(before, dict) or not isinstance(written, dict) or not before:
            return UndoResult(status="nothing", detail="no field was changed")
        conflicts = [] if force else differing(account, written, before)
        restored = {name: value for name, value in before.items() if name not in conflicts and value_now(account, name) != value}
        await put(session, account, restored, by="undo")
        if conflicts:
            return UndoResult(status="conflict", detail=f"changed by somebody since, and left alone: {', '.join(sorted(conflicts))}")
        return UndoResult(status="undone", detail=f"put back {', '.join(sorted(restored))}" if restored else "the values were back already")
