"""Sealing anew with the current key, so that an old key can be thrown away."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Table, and_, or_, select, text, tuple_, update

from storage.encryption import Place
from storage.session import Database, Session
from storage.tables import METADATA

BATCH_ROWS: Final = 500


@dataclass(frozen=True)
class SealedTable:
    """A table with sealed columns. `row` are the columns whose values, joined by `/`, name the row where a field is sealed.

    `digests` are the columns of digests by the sealed column they are made of.
    """

    name: str
    columns: tuple[str, ...]
    row: tuple[str, ...]
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        """The table itself."""
        return METADATA.tables[self.name]


SEALED: Final = (
    SealedTable("run", ("start", "saved"), ("id",)),
    SealedTable("enrollment", ("start",), ("id",)),
    SealedTable("launch", ("start",), ("id",)),
    SealedTable("launch_account", ("inputs",), ("launch", "account")),
    SealedTable("step", ("output",), ("run", "key")),
    SealedTable("effect", ("request", "prior", "result"), ("key",)),
    SealedTable("delivery", ("news",), ("id",)),
    SealedTable("request", ("answer",), ("key",)),
    SealedTable("connection", ("credentials",), ("vendor",)),
    SealedTable("contact", ("email", "phone"), ("id",), {"email": "email_digest", "phone": "phone_digest"}),
    SealedTable("event", ("fields", "address"), ("id",), {"address": "address_digest"}),
    SealedTable("sync_record", ("values",), ("vendor", "kind", "external_id")),
    SealedTable("sync_failure", ("raw",), ("vendor", "kind", "external_id")),
)


async def reseal(database: Database, tenant: str) -> int:
    """Seal every field of the tenant with the current key that is sealed with an older one; give how many were.

    Works beside running plays: a field that changed meanwhile is left as it is, and is current anyway.

    Raises:
        SealBroken: a field cannot be opened with any key of the ring.
    """
    resealed = 0
    for sealed in SEALED:
        after: tuple[str, ...] | None = None
        while True:
            async with database.begin(tenant) as session:
                # The digests change, the addresses do not: triggers that watch an address are not to fire.
                await session.execute(text("SELECT set_config('app.resealing', 'on', true)"))
                rows = await _rows(session, sealed, after)
                for row in rows:
                    resealed += await _reseal_row(session, sealed, row)
            if len(rows) < BATCH_ROWS:
                break
            after = tuple(rows[-1][: len(sealed.row)])
    return resealed


async def _rows(session: Session, sealed: SealedTable, after: tuple[str, ...] | None) -> Sequence[Any]:
    key = [sealed.table.c[name] for name in sealed.row]
    columns = [sealed.table.c[name] for name in sealed.columns]
    query = select(*key, *columns).where(or_(*(column.is_not(None) for column in columns)))
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    return (await session.execute(query.order_by(*key).limit(BATCH_ROWS))).all()


async def _reseal_row(session: Session, sealed: SealedTable, row: Sequence[Any]) -> int:
    names = row[: len(sealed.row)]
    count = 0
    for column, old in zip(sealed.columns, row[len(sealed.row) :], strict=True):
        if old is None or session.keys.is_current(old):
            continue
        place = Place(session.tenant, sealed.name, column, "/".join(names))
        opened = session.keys.open(place, old)
        changes: dict[str, object] = {column: session.keys.seal(place, opened)}
        if column in sealed.digests:
            changes[sealed.digests[column]] = session.digest(sealed.name, column, str(json.loads(opened)))
        same_row = and_(*(sealed.table.c[name] == value for name, value in zip(sealed.row, names, strict=True)))
        await session.execute(update(sealed.table).where(same_row, sealed.table.c[column] == old).values(changes))
        count += 1
    return count
