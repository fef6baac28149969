"""What vendors are asked for by a sync: records that changed, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.incoming import VendorEvent


@dataclass(frozen=True)
class Record:
    """An object of a vendor. `fields` are the vendor's own names, nested ones with dots (`Owner.Email`); values are plain JSON."""

    kind: str
    external_id: str
    fields: Mapping[str, Any]
    deleted: bool = False


@dataclass(frozen=True)
class RecordPage:
    """A page. `cursor` continues after it, also in a later sync; `more` says whether there is more right now.

    `events` are what the vendor itself tells to have happened, under the ids its webhooks have: what came by one way is not told again.
    """

    records: tuple[Record, ...]
    cursor: str
    more: bool
    events: tuple[VendorEvent, ...] = ()


class Source(Protocol):
    """A client that records can be read from."""

    async def changed(self, kind: str, cursor: str | None, limit: int) -> RecordPage:
        """Give up to `limit` records of a kind that changed after the cursor, oldest change first; None begins at the beginning.

        A record may come twice, and never not at all: a cursor stays a little behind changes that are not visible yet.

        Raises:
            ConnectorError: the vendor cannot be asked.
        """
        ...
