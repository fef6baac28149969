"""Bodies of the route that takes observations in."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from activities.contracts import JsonTree
from api.problems import FieldProblem
from api.schemas.runs import Body

MOST_EVENTS = 5000

_EXAMPLE: dict[str, JsonTree] = {
    "events": [
        {
            "id": "2026-11-24",
            "account": "C-0001",
            "occurred_at": "2026-11-24T23:59:59Z",
            "values": {"logins": 31, "active_users": 12, "features": {"reports": 9}},
        },
        {
            "id": "upd-77",
            "account": "C-0001",
            "kind": "ticket",
            "subject": "T-1204",
            "occurred_at": "2026-11-24T10:02:00+01:00",
            "values": {"status": "closed", "csat": 4},
        },
    ]
}


class UsageEvents(Body):
    """What was seen of accounts, each with the source's own id; docs/observations.md lists the kinds and their values.

    Each event has `id`, `account`, `occurred_at` (with its zone), and may have `kind` (`usage` by default), `subject` (the ticket, invoice
    or contract it is about) and `values`.
    With `as_known` an event may say when it became known (`ingested_at`; otherwise when it happened): only for an import of history.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})
    events: Annotated[list[JsonTree], Field(min_length=1, max_length=MOST_EVENTS)]
    as_known: bool = False


class UsageTaken(BaseModel):
    """What came of a batch. `taken` were new, `known` were there already; of each refused one `problems` says where and why."""

    taken: int = Field(examples=[4998])
    known: int = Field(examples=[1])
    refused: int = Field(examples=[1])
    problems: list[FieldProblem] = Field(default_factory=list)
