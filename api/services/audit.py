"""Who did what: one row, in the transaction of the change itself."""

from collections.abc import Mapping

from storage.ids import new_id
from storage.session import Session
from storage.tables import Audit


async def audit(session: Session, who: str, what: str, kind: str, subject: str, details: Mapping[str, object]) -> None:
    """Note a change. `what` is noun.verb; `kind` and `subject` name what was changed."""
    kept = {name: value for name, value in details.items() if value is not None}
    session.add(Audit(tenant=session.tenant, id=new_id(), who=who, what=what, subject_kind=kind, subject_id=subject, details=kept))
    await session.flush()
