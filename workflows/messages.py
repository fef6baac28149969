"""What the outside may say to a play, and what it may ask. All that `api` and `cli` know of this room.

People's commands are updates: checked, answered, idempotent by `request_id`. Machines' news are signals.
"""

from typing import Literal

from pydantic import Field

from activities.contracts import Contract, JsonTree

COMMAND_UPDATE = "command"
NEWS_SIGNAL = "news"
STATE_QUERY = "state"

QUEUE_PLAYS = "plays"
QUEUE_SCORING = "scoring"
"""Night, training and drift: they compute for long, so a worker of their own may be given to them."""

# No playbook can be called so: the type of a play is its playbook's name, which has no dot.
SYNC = "sync.vendor"
SYNC_TICK = "sync.tick"
SWEEP = "launch.sweep"
SCORING_NIGHT = "scoring.night"
SCORING_BACKFILL = "scoring.backfill"
SCORING_TRAINING = "scoring.train"
SCORING_DRIFT_REPORT = "scoring.drift-report"
OVERRIDE = "health.override"

OVERRIDE_OVER_SIGNAL = "over"
"""Tells the timer of an override that the override has ended before its time."""

SEARCH_ATTRIBUTES = ("Tenant", "Playbook", "PlaybookVersion", "Account", "Launch", "RunState", "Trigger", "Owner")


def sync_workflow_id(tenant: str, vendor: str) -> str:
    """Give the id of the sync of a tenant's vendor, and of its schedule: there is one at a time."""
    return f"sync:{tenant}:{vendor}"


def launch_workflow_id(tenant: str, launch: str) -> str:
    """Give the id of the working off of a launch."""
    return f"launch:{tenant}:{launch}"


def sweep_schedule_id(tenant: str, playbook: str, trigger_id: str) -> str:
    """Give the id of the schedule of a playbook's trigger."""
    return f"sweep:{tenant}:{playbook}:{trigger_id}"


def night_workflow_id(tenant: str) -> str:
    """Give the id of the nightly scoring of a tenant, and of its schedule: there is one at a time."""
    return f"scoring:{tenant}:night"


def backfill_workflow_id(tenant: str) -> str:
    """Give the id of the keeping of past features of a tenant."""
    return f"scoring:{tenant}:backfill"


def training_workflow_id(tenant: str, target: str) -> str:
    """Give the id of the training of a target's model, and of its schedule: there is one at a time."""
    return f"scoring:{tenant}:train:{target}"


def drift_workflow_id(tenant: str, target: str) -> str:
    """Give the id of the drift report of a target, and of its schedule."""
    return f"scoring:{tenant}:drift:{target}"


def override_workflow_id(tenant: str, override: str) -> str:
    """Give the id of the timer of an override."""
    return f"override:{tenant}:{override}"


class Command(Contract):
    """What a person tells a play.

    `do`: pause, resume, cancel (`undo` says whether what was done is taken back), answer (an `ask`, `approve` or review under `key`, with
    `answers`; for approvals `{"approved": bool, "comment": str}`), retry / skip / edit (`inputs`) / `undo` of a held step under
    `key`, and undo (the whole play; `force` overwrites what people changed since). `parent` is said by plays, not by people: the workflow
    that waits for this play's end from now on.
    """

    do: Literal["pause", "resume", "cancel", "answer", "retry", "skip", "edit", "undo"]
    request_id: str
    by: str
    reason: str | None = None
    key: str | None = None
    answers: dict[str, JsonTree] = Field(default_factory=dict)
    inputs: dict[str, JsonTree] = Field(default_factory=dict)
    undo: bool = False
    force: bool = False
    parent: str | None = None


class CommandAnswer(Contract):
    """What a command did. `changed` is False when it was a repetition or nothing was to be done."""

    changed: bool
    state: str
    message: str = ""


class News(Contract):
    """What a machine tells a play.

    `kind`: event (`name`, `fields`), facts (`loaded` = a `LoadedFacts`), object (a live output changed: `name` is its id such as
    `task:…`, `fields` the changed output fields), play_ended (`key`, `fields` = outcome), lock_granted (`key`).
    """

    kind: Literal["event", "facts", "object", "play_ended", "lock_granted"]
    id: str
    name: str | None = None
    key: str | None = None
    fields: dict[str, JsonTree] = Field(default_factory=dict)


REFUSED = "CommandRefused"
"""The error type of an update that the play refused; details[0] is `{"code": …, "message": …}`.

Codes: `no_such_step`, `not_open` (an ask that is closed or was never opened), `not_held`, `closing`, `bad_answer`, `not_allowed`.
"""
