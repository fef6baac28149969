"""Where a sync of changed records stands: by the moment of the change and, among those of one moment, by id."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.errors import Rejected
from connectors.salesforce.soql import BadQuery, literal, moment, record_id

BEHIND = timedelta(minutes=10)
"""How long a transaction of Salesforce may take: a record may become visible that much later than its SystemModstamp says."""


@dataclass(frozen=True)
class Position:
    """After the record `id` that changed `at`. `back` is where the next sync begins, when this one read what may not be all there yet."""

    at: datetime
    id: str = ""
    back: datetime | None = None

    def condition(self) -> str:
        """Give the condition for what comes after, in a form that Salesforce's index on SystemModstamp serves."""
        at = moment(self.at)
        if not self.id:
            return f"SystemModstamp >= {at}"
        return f"SystemModstamp >= {at} AND (SystemModstamp > {at} OR Id > {literal(self.id)})"

    def beyond(self, at: datetime, id_: str, *, more: bool, asked_at: datetime) -> "Position":
        """Give the position after a page whose last record is this one."""
        sure = asked_at - BEHIND
        back = self.back if self.back is not None else (sure if at > sure else None)
        if more or back is None:
            return Position(at, id_, back)
        return Position(min(at, back))

    def written(self) -> str:
        """Give it as a cursor."""
        return json.dumps([moment(self.at), self.id, moment(self.back) if self.back else None])


def read_position(cursor: str) -> Position:
    """Read a cursor.

    Raises:
        Rejected: it is not one of ours.
    """
    try:
        at, id_, back = json.loads(cursor)
        return Position(read_moment(at), record_id(id_) if id_ else "", read_moment(back) if back else None)
    except (ValueError, TypeError, AttributeError, BadQuery):
        raise Rejected("the cursor of the sync is not one of Salesforce's; begin the sync anew") from None


def read_moment(text: str) -> datetime:
    """Read a moment of Salesforce's, aware UTC: `2026-11-25T08:00:00.000+0000`."""
    return datetime.fromisoformat(text).astimezone(UTC)
