"""What changed at HubSpot, by its search, which has no cursor of its own and gives no more than 10,000 results."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from connectors.errors import Rejected
from connectors.records import Record, RecordPage

HubSpotObject: TypeAlias = dict[str, Any]
"""An object of HubSpot's API as plain JSON."""
Search: TypeAlias = Callable[[HubSpotObject], Awaitable[HubSpotObject]]

READ: Final[Mapping[str, tuple[str, ...]]] = {
    "company": ("name", "domain", "industry", "annualrevenue", "country", "hubspot_owner_id", "lifecyclestage"),
    "contact": ("email", "firstname", "lastname", "phone", "jobtitle", "associatedcompanyid"),
}
"""The properties that are read."""
BEHIND: Final = timedelta(minutes=2)
"""A search sees a change some seconds late: the next sync begins this much before the last one."""
_CHANGED: Final[Mapping[str, str]] = {"company": "hs_lastmodifieddate", "contact": "lastmodifieddate"}
_WANTED: Final[Mapping[str, tuple[HubSpotObject, ...]]] = {
    "contact": ({"propertyName": "associatedcompanyid", "operator": "HAS_PROPERTY"},),
}
_ID: Final = "hs_object_id"
_MOST: Final = 100


@dataclass(frozen=True)
class Position:
    """Everything that changed until `at` (ms) was given.

    With `id`, of those that changed at this very moment only the ones up to this id. `back` is where the next sync begins, when this one
    reads what may not all be visible yet.
    """

    at: int = 0
    id: int | None = None
    back: int | None = None

    def written(self) -> str:
        """Give it as a cursor."""
        return json.dumps([self.at, self.id, self.back])


class Changes:
    """Reads what changed.

    A page is what changed after a moment, sorted by the change. Its last moment may go on in the next page, and the order of those that
    changed together is nobody's promise: so they are left for the next page, which begins before them. When a page is of one moment alone,
    as after an import, that moment is gone through by id. So no search is ever asked for a second page, and the limit is never met.
    """

    def __init__(self, search: Search, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Read with `search`, which takes the body of a search of one kind."""
        self._search, self._clock = search, clock

    async def page(self, kind: str, cursor: str | None, limit: int) -> RecordPage:
        """Give the next page of a kind.

        Raises:
            ConnectorError: HubSpot cannot be asked, or the cursor is none of ours.
        """
        changed = _CHANGED.get(kind)
        if changed is None:
            raise Rejected(f'HubSpot has no records of the kind "{kind}" for a sync; there are {", ".join(_CHANGED)}')
        position = _read(cursor) if cursor else Position()
        if position.back is None:
            position = replace(position, back=_ms(self._clock() - BEHIND))
        most = max(2, min(limit, _MOST))
        if position.id is not None:
            return await self._together(kind, changed, position, most)
        found, more = await self._found(kind, changed, _filter(changed, "GT", position.at), (), changed, most)
        if not found:
            return RecordPage((), _end(position), more=False)
        moments = [_moment(each, changed) for each in found]
        if not more:
            return RecordPage(_records(kind, found), _end(replace(position, at=moments[-1])), more=False)
        whole = [each for each, at in zip(found, moments, strict=True) if at < moments[-1]]
        if not whole:
            return await self._together(kind, changed, replace(position, at=moments[-1], id=0), most)
        last = max(at for at in moments if at < moments[-1])
        return RecordPage(_records(kind, whole), replace(position, at=last).written(), more=True)

    async def _together(self, kind: str, changed: str, position: Position, most: int) -> RecordPage:
        beyond = _filter(_ID, "GT", position.id or 0)
        found, more = await self._found(kind, changed, _filter(changed, "EQ", position.at), (beyond,), _ID, most)
        after = replace(position, id=int(found[-1]["id"]) if more and found else None)
        return RecordPage(_records(kind, found), after.written(), more=True)

    async def _found(
        self, kind: str, changed: str, moment: HubSpotObject, also: Sequence[HubSpotObject], sort: str, most: int
    ) -> tuple[list[HubSpotObject], bool]:
        body = {
            "filterGroups": [{"filters": [moment, *also, *_WANTED.get(kind, ())]}],
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": [*READ[kind], changed],
            "limit": most,
        }
        answer = await self._search(body)
        found: list[HubSpotObject] = answer["results"]
        return found, "next" in (answer.get("paging") or {})


def _filter(name: str, operator: str, value: int) -> HubSpotObject:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _records(kind: str, found: Sequence[HubSpotObject]) -> tuple[Record, ...]:
    return tuple(Record(kind, each["id"], each["properties"]) for each in found)


def _end(position: Position) -> str:
    """Give where the next sync begins: never after what may not be visible yet."""
    return Position(min(position.at, position.back if position.back is not None else position.at)).written()


def _moment(found: HubSpotObject, changed: str) -> int:
    return _ms(datetime.fromisoformat(str(found["properties"][changed]).replace("Z", "+00:00")))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _read(cursor: str) -> Position:
    try:
        at, id_, back = json.loads(cursor)
        return Position(int(at), None if id_ is None else int(id_), None if back is None else int(back))
    except (TypeError, ValueError):
        raise Rejected("the cursor of this sync is not one of HubSpot's; start the sync anew") from None
