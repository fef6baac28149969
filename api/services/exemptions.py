"""Takes accounts and segments out of playbooks and holdouts, and back in."""

from datetime import UTC, datetime

from api.problems import AccountNotFound, ExemptionNotFound, FieldProblem, PlaybookNotFound, RequestInvalid
from api.schemas.enrollments import AddExemption, ExemptionOut
from api.security import Actor
from api.services.audit import audit
from storage.enrollment.exemptions import add_exemption, find_exemption
from storage.enrollment_tables import Exemption
from storage.ids import new_id
from storage.repositories.accounts import find_account
from storage.repositories.playbooks import find_playbook
from storage.session import Session


async def exempt(session: Session, user: Actor, body: AddExemption) -> ExemptionOut:
    """Keep an exemption. Accounts that wait leave when their turn comes; plays under way go on.

    Raises:
        AccountNotFound, PlaybookNotFound: what it names is not there.
        RequestInvalid: it would be over already.
    """
    now = datetime.now(UTC)
    if body.account is not None and await find_account(session, body.account) is None:
        raise AccountNotFound(f'There is no account "{body.account}"; import it first, or correct the id.')
    if body.playbook is not None and await find_playbook(session, body.playbook) is None:
        raise PlaybookNotFound(f'There is no playbook "{body.playbook}"; GET /v1/playbooks lists them.')
    if body.until is not None and body.until <= now:
        raise RequestInvalid(errors=[FieldProblem(pointer="#/until", detail="is over already; name a time to come", code="bad_value")])
    row = Exemption(
        id=new_id(),
        playbook=body.playbook or "",
        of=body.from_,
        kind="account" if body.account is not None else "segment",
        value=body.account or body.segment or "",
        because=body.because,
        by=user.name,
        until=body.until,
        created_at=now,
    )
    await add_exemption(session, row)
    await audit(session, user.name, "exemption.add", row.kind, row.value, _details(row))
    return exemption_out(row)


async def end_exemption(session: Session, user: Actor, exemption_id: str) -> None:
    """Take an exemption back.

    Raises:
        ExemptionNotFound: there is none with this id.
    """
    row = await find_exemption(session, exemption_id)
    if row is None:
        raise ExemptionNotFound(f'There is no exemption "{exemption_id[:80]}".')
    await audit(session, user.name, "exemption.remove", row.kind, row.value, _details(row))
    await session.delete(row)


def exemption_out(row: Exemption) -> ExemptionOut:
    """Give an exemption as the API shows it."""
    return ExemptionOut(
        id=row.id,
        account=row.value if row.kind == "account" else None,
        segment=row.value if row.kind == "segment" else None,
        playbook=row.playbook or None,
        from_="holdout" if row.of == "holdout" else "playbook",
        because=row.because,
        by=row.by,
        until=row.until,
        created_at=row.created_at,
    )


def _details(row: Exemption) -> dict[str, object]:
    until = row.until.isoformat() if row.until else None
    return {"exemption": row.id, "from": row.of, "playbook": row.playbook or None, "because": row.because, "until": until}
