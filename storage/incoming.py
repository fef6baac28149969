"""What vendors tell of by themselves, in the form in which it is kept."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from storage.followed import followed_of
from storage.repositories.events import NewEvent
from storage.storable import storable_fields

_LONGEST_ID: Final = 200
_LONGEST_CLUE: Final = 500
_MOST_CLUES: Final = 20


class VendorRef(Protocol):
    """An object by which an event's account is found (`connectors.incoming.Ref`)."""

    @property
    def kind(self) -> str: ...  # noqa: D102  # connectors.incoming says what it is
    @property
    def external_id(self) -> str: ...  # noqa: D102  # connectors.incoming says what it is


class VendorNews(Protocol):
    """An event as a connector gives it (`connectors.incoming.VendorEvent`, which says what each is)."""

    @property
    def id(self) -> str: ...  # noqa: D102  # see above
    @property
    def name(self) -> str: ...  # noqa: D102  # see above
    @property
    def occurred_at(self) -> datetime: ...  # noqa: D102  # see above
    @property
    def fields(self) -> Mapping[str, Any]: ...  # noqa: D102  # see above
    @property
    def refs(self) -> Sequence[VendorRef]: ...  # noqa: D102  # see above
    @property
    def address(self) -> str | None: ...  # noqa: D102  # see above
    @property
    def account(self) -> str | None: ...  # noqa: D102  # see above


def kept(event: VendorNews) -> NewEvent:
    """Give an event as it is kept: cut to size, with what its account is found by."""
    at = event.occurred_at if event.occurred_at.tzinfo else event.occurred_at.replace(tzinfo=UTC)
    fields = storable_fields(event.fields)
    followed = followed_of(event.name, fields)
    clues = [f"account:{event.account}"] if event.account and not _is_address(event.account) else []
    clues += [f"ref:{ref.kind}:{ref.external_id}" for ref in event.refs if not _is_address(ref.external_id)]
    clues += [f"live:{followed.live}"] if followed else []
    return NewEvent(
        vendor_id=_short(event.id),
        name=event.name,
        fields=fields,
        # A vendor's clock may be ahead of ours; nothing has happened later than it was heard of.
        occurred_at=min(at, datetime.now(UTC)),
        clues=tuple(clue for clue in clues if len(clue) <= _LONGEST_CLUE and "\0" not in clue)[:_MOST_CLUES],
        address=event.address,
    )


def _is_address(text: str) -> bool:
    """Clues are not sealed; whose an address is, is found by its digest."""
    return "@" in text or text.startswith("+")


def _short(vendor_id: str) -> str:
    if len(vendor_id) <= _LONGEST_ID and vendor_id.isprintable():
        return vendor_id
    return f"sha256:{hashlib.sha256(vendor_id.encode(errors='surrogatepass')).hexdigest()}"
