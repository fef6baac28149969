"""Events about what a play made: a mail, a text message, a message in Slack, a meeting. They change the output of the step that made it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from playbook_dsl.values import Json


@dataclass(frozen=True)
class Followed:
    """What an event is about: `live` is its name in plays (`mail:<id>`); the ledger has it by `vendor_id`, made by one of `actions`."""

    live: str
    vendor_id: str
    actions: str


@dataclass(frozen=True)
class _Kind:
    """`statuses` by event, from the least to the last word; without an order the latest event counts."""

    live: str
    id_field: str
    statuses: Mapping[str, str]
    ordered: bool
    carried: tuple[str, ...] = ()


_KINDS: Final[Mapping[str, _Kind]] = MappingProxyType(
    {
        "email": _Kind(
            "mail",
            "message_id",
            {
                "email.delivered": "delivered",
                "email.opened": "opened",
                "email.clicked": "opened",
                "email.replied": "replied",
                "email.bounced": "bounced",
            },
            ordered=True,
        ),
        "sms": _Kind(
            "sms",
            "message_id",
            {"sms.sent": "sent", "sms.delivered": "delivered", "sms.undelivered": "failed", "sms.failed": "failed"},
            ordered=True,
        ),
        "slack": _Kind("slack", "message_id", {"slack.replied": "replied"}, ordered=True),
        "meeting": _Kind(
            "meeting",
            "meeting_id",
            {
                "meeting.booked": "confirmed",
                "meeting.moved": "confirmed",
                "meeting.accepted": "confirmed",
                "meeting.cancelled": "cancelled",
            },
            ordered=False,
            carried=("start", "end"),
        ),
    }
)


def followed_of(name: str, fields: Mapping[str, Json]) -> Followed | None:
    """Give what an event is about, None when that is nothing a play could have made."""
    kind = _KINDS.get(name.partition(".")[0])
    known = fields.get(kind.id_field) if kind else None
    if kind is None or name not in kind.statuses or not isinstance(known, str) or not known:
        return None
    return Followed(f"{kind.live}:{known}", known, f"{name.partition('.')[0]}.")


def fields_now(name: str, at: datetime, fields: Mapping[str, Json], heard: Sequence[tuple[str, datetime]]) -> dict[str, Json]:
    """Give the fields that an event changes of a step's output, nothing when another has overtaken it.

    Args:
        name: the event's.
        at: when it happened.
        fields: the event's.
        heard: name and time of every event about the same thing.
    """
    kind = _KINDS[name.partition(".")[0]]
    rank = list(kind.statuses).index
    others = [(one, when) for one, when in heard if one in kind.statuses]
    if any(rank(one) > rank(name) if kind.ordered else when > at for one, when in others):
        return {}
    # A time is marked as one; a bare text would change the type that the step's output has.
    carried = {field: fields[field] for field in kind.carried if isinstance(fields.get(field), dict)}
    return {"status": kind.statuses[name], **carried}
