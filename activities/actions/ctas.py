"""`cta.open`, `cta.update`, `cta.close`."""

from datetime import UTC, datetime

from activities.contracts import JsonTree, UndoResult
from activities.definitions.ctas import (
    CTA_CLOSE,
    CTA_OPEN,
    CTA_UPDATE,
    ChangedCtaOutput,
    CloseCtaInput,
    CtaOutput,
    OpenCtaInput,
    UpdateCtaInput,
)
from activities.effects import InternalAction, Outcome, Work
from activities.failures import NotFound
from activities.owners import resolve_owner
from activities.reading import output_of, read_due, read_inputs, text_from
from storage.calendars import calendar_of
from storage.repositories.accounts import find_account
from storage.repositories.effects import EffectRecord
from storage.repositories.tenants import find_tenant
from storage.repositories.timeline import add_cta, change_cta, find_cta
from storage.session import Session
from storage.tables import Cta

_WATCHED = ("type", "title", "priority", "owner", "because")


class OpenCta(InternalAction):
    """Opens a call to action on the account."""

    contract = CTA_OPEN

    async def apply(self, session: Session, work: Work) -> Outcome:
        """Make the call to action; its id follows from the effect's key."""
        inputs = read_inputs(OpenCtaInput, work.call)
        account = await find_account(session, work.run.account)
        if account is None:
            raise NotFound(f'there is no account "{work.run.account}"')
        owner = await resolve_owner(session, account.id, inputs.owner)
        cta = Cta(
            id=work.object_id,
            account=account.id,
            type=inputs.type,
            title=inputs.title or work.call.title,
            priority=inputs.priority,
            owner=owner.id,
            because=text_from(inputs.because),
            due_at=read_due(inputs.due, calendar_of(account, await find_tenant(session))) if inputs.due is not None else None,
            run=work.run.run_id,
            step_key=work.call.key,
        )
        await add_cta(session, cta)
        output = CtaOutput(cta_id=cta.id, owner=owner.id, owner_name=owner.name, priority=inputs.priority)
        return Outcome(output_of(output), prior={"written": _shown(cta)}, live=f"cta:{cta.id}")

    async def undo(self, session: Session, record: EffectRecord, *, force: bool) -> UndoResult:
        """Close it, unless a person closed or changed it."""
        cta = await find_cta(session, record.key[:32])
        if cta is None or cta.status == "closed":
            return UndoResult(status="nothing", detail="it is closed already")
        written = record.prior.get("written") if isinstance(record.prior, dict) else None
        if _shown(cta) != written and not force:
            return UndoResult(status="conflict", detail=f'somebody changed the call to action "{cta.title}" since')
        await change_cta(session, cta.id, status="closed", outcome="taken back with its play", closed_at=datetime.now(UTC))
        return UndoResult(status="undone", detail=f'closed the call to action "{cta.title}"')


class UpdateCta(InternalAction):
    """Changes a call to action, and remembers what it was."""

    contract = CTA_UPDATE

    async def apply(self, session: Session, work: Work) -> Outcome:
        """Set what was asked for."""
        inputs = read_inputs(UpdateCtaInput, work.call)
        cta = await _find(session, inputs.cta)
        wanted: dict[str, JsonTree] = {"priority": inputs.priority, "title": inputs.title}
        wanted["because"] = None if inputs.because is None else text_from(inputs.because)
        wanted["owner"] = (await resolve_owner(session, work.run.account, inputs.owner)).id if inputs.owner else None
        shown = _shown(cta)
        written = {name: value for name, value in wanted.items() if value is not None and value != shown[name]}
        if written:
            await change_cta(session, cta.id, **written)
        prior = {"cta": cta.id, "before": {name: shown[name] for name in written}, "written": written}
        return Outcome(output_of(ChangedCtaOutput(cta_id=cta.id, changed=bool(written))), prior=prior)

    async def undo(self, session: Session, record: EffectRecord, *, force: bool) -> UndoResult:
        """Put back what it was, except where somebody changed it since."""
        prior = record.prior if isinstance(record.prior, dict) else {}
        before, written = prior.get("before"), prior.get("written")
        cta = await find_cta(session, str(prior.get("cta")))
        if cta is None or not isinstance(before, dict) or not isinstance(written, dict) or not before:
            return UndoResult(status="nothing", detail="nothing was changed")
        shown = _shown(cta)
        conflicts = [] if force else [name for name in written if shown[name] not in (written[name], before[name])]
        back = {name: value for name, value in before.items() if name not in conflicts}
        if back:
            await change_cta(session, cta.id, **back)
        if conflicts:
            return UndoResult(status="conflict", detail=f"changed by somebody since, and left alone: {', '.join(sorted(conflicts))}")
        return UndoResult(status="undone", detail=f"put back {', '.join(sorted(back))}")


class CloseCta(InternalAction):
    """Closes a call to action."""

    contract = CTA_CLOSE

    async def apply(self, session: Session, work: Work) -> Outcome:
        """Close it if it is open."""
        inputs = read_inputs(CloseCtaInput, work.call)
        cta = await _find(session, inputs.cta)
        changed = cta.status == "open"
        closed_at = datetime.now(UTC)
        if changed:
            await change_cta(session, cta.id, status="closed", outcome=inputs.outcome, closed_at=closed_at)
        prior = {"cta": cta.id, "changed": changed, "outcome": inputs.outcome}
        return Outcome(output_of(ChangedCtaOutput(cta_id=cta.id, changed=changed)), prior=prior)

    async def undo(self, session: Session, record: EffectRecord, *, force: bool) -> UndoResult:
        """Open it again, if this step closed it and nobody wrote another outcome since."""
        prior = record.prior if isinstance(record.prior, dict) else {}
        cta = await find_cta(session, str(prior.get("cta")))
        if cta is None or not prior.get("changed") or cta.status == "open":
            return UndoResult(status="nothing", detail="it is as it was before")
        if cta.outcome != prior.get("outcome") and not force:
            return UndoResult(status="conflict", detail="somebody wrote another outcome since")
        await change_cta(session, cta.id, status="open", outcome=None, closed_at=None)
        return UndoResult(status="undone", detail=f'opened the call to action "{cta.title}" again')


async def _find(session: Session, cta_id: str) -> Cta:
    cta = await find_cta(session, cta_id.removeprefix("cta:"))
    if cta is None:
        raise NotFound(f'there is no call to action "{cta_id}"')
    return cta


def _shown(cta: Cta) -> dict[str, JsonTree]:
    return {name: getattr(cta, name) for name in _WATCHED}
