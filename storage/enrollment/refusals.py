"""The last refusal of each account, so that somebody who asks why not gets an answer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from enrollment.deciding import Decision
from storage.enrollment.published import Published
from storage.enrollment_tables import Refusal
from storage.session import Session
from storage.tables import METADATA

_REFUSALS = METADATA.tables["refusal"]
_FRESH: Final = timedelta(minutes=10)


class Way(Protocol):
    """What is noted of the way somebody came."""

    @property
    def trigger(self) -> str: ...  # noqa: D102  # see `entering.Entry`
    @property
    def trigger_id(self) -> str | None: ...  # noqa: D102  # see `entering.Entry`
    @property
    def launch(self) -> str | None: ...  # noqa: D102  # see `entering.Entry`
    @property
    def now(self) -> datetime: ...  # noqa: D102  # see `entering.Entry`


async def note_refusals(session: Session, playbook: Published, way: Way, refused: Sequence[tuple[str, Decision]]) -> None:
    """Note who was refused. One refused for the same reason a moment ago is left as it is: a storm of events writes one row."""
    latest = dict(refused)
    if not latest:
        return
    rows = [
        {
            "tenant": session.tenant,
            "playbook": playbook.slug,
            "account": account,
            "reason": str(decision.reason),
            "detail": decision.detail,
            "trigger": way.trigger,
            "trigger_id": way.trigger_id,
            "launch": way.launch,
            "version": playbook.version,
            "until": decision.until,
            "at": way.now,
        }
        for account, decision in latest.items()
    ]
    statement = insert(_REFUSALS)
    changes = {name: statement.excluded[name] for name in rows[0] if name not in ("tenant", "playbook", "account")}
    is_news = or_(_REFUSALS.c.reason != statement.excluded.reason, _REFUSALS.c.at < statement.excluded.at - _FRESH)
    upsert = statement.on_conflict_do_update(index_elements=["tenant", "playbook", "account"], set_=changes, where=is_news)
    connection = await session.connection()
    await connection.execute(upsert, rows)


async def find_refusal(session: Session, playbook: str, account: str) -> Refusal | None:
    """Give the last refusal of an account."""
    query = select(Refusal).where(col(Refusal.playbook) == playbook, col(Refusal.account) == account)
    return (await session.execute(query)).scalar_one_or_none()
