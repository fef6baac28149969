"""Bodies of the routes about launches, and about commands to many plays."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

from activities.contracts import JsonTree
from api.schemas.accounts import RowProblem
from api.schemas.parts import AccountId, JsonMap, PlaybookSlug, Reason
from api.schemas.runs import Body, Refusal, Rule, RunOut, RunState

Key = Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="As for a single start.")]
Do = Literal["pause", "resume", "cancel", "undo"]
MOST_ACCOUNTS = 100_000


class StartLaunch(Body):
    """Start a playbook on a list of accounts."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"playbook": "at-risk-save", "accounts": ["C-0001", "C-0002"], "inputs": {}}]}
    )
    playbook: PlaybookSlug
    accounts: Annotated[
        list[AccountId], Field(min_length=1, max_length=MOST_ACCOUNTS, description="Each at most once; repetitions count once.")
    ]
    inputs: JsonMap = Field(default_factory=dict, description="The same for all of them.")
    key: Key = None
    ignore: list[Rule] = Field(default=[], max_length=5, description="Rules of the playbook that are left aside for this launch.")


class PreviewLaunch(Body):
    """Look at who would enter a playbook. Nothing is written."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"playbook": "at-risk-save"}]})
    playbook: PlaybookSlug
    accounts: Annotated[
        list[AccountId] | None,
        Field(min_length=1, max_length=MOST_ACCOUNTS, description="Without a list: every account of the playbook's audience."),
    ] = None
    inputs: JsonMap = Field(default_factory=dict, description="The same for all of them.")
    key: Key = None
    ignore: list[Rule] = Field(default=[], max_length=5, description="Rules of the playbook that are left aside.")
    version: Annotated[int | None, Field(ge=1, le=1_000_000, description="Another version than the published one, such as a draft.")] = None
    most: Annotated[int, Field(ge=1, le=MOST_ACCOUNTS, description="How many accounts are decided about at most.")] = 5000


class Counted(BaseModel):
    """Accounts to which the same happens for the same reason, and some of them."""

    state: str = Field(examples=["refused"], description="active, queued, suppressed, held_out or refused.")
    reason: str = Field(examples=["already_active"])
    count: int = Field(examples=[3])
    sample: list["Sampled"] = Field(default_factory=list)


class Sampled(BaseModel):
    """An account, and what would become of it."""

    account: str = Field(examples=["C-0001"])
    detail: str = Field(default="", examples=["a play of this playbook is under way"])


class WaveOut(BaseModel):
    """How many accounts a wave would hold."""

    wave: int = Field(examples=[1])
    share: float = Field(examples=[0.05], description="Of all accounts, those of the waves before included.")
    accounts: int = Field(examples=[12])


class LaunchPreview(BaseModel):
    """Who would enter now, and who not and why."""

    playbook: str = Field(examples=["at-risk-save"])
    version: int = Field(examples=[3])
    accounts: int = Field(examples=[240], description="Accounts on the list, or in the audience.")
    looked_at: int = Field(examples=[240], description="Accounts that were decided about; the counts are of these.")
    enters: int = Field(examples=[212], description="Would enter at once, or as soon as there is room.")
    waits: int = Field(default=0, examples=[0], description="Would wait until a delay, or the play under way, is over.")
    held_out: int = Field(default=0, examples=[20], description="Would be left alone, so that the effect can be measured.")
    refused: int = Field(default=0, examples=[8])
    reasons: list[Counted]
    room: int | None = Field(default=None, examples=[50], description="How many plays may begin right now; null without limits.")
    approval: list[str] = Field(default_factory=list, examples=[["cs_ops_lead"]], description="Who has to approve first.")
    waves: list[WaveOut] = Field(default_factory=list)
    messages: dict[str, int] = Field(
        default_factory=dict,
        examples=[{"email": 212}],
        description="Messages by channel if every play comes to every step that sends, steps in loops counted once.",
    )
    problems: list[RowProblem] = Field(default_factory=list, description="Rows of a file that are left out.")
    power: str = Field(default="", description="Which effect so many accounts, part of them held out, could show.")
    notes: list[str] = Field(default_factory=list)


class LaunchStarted(BaseModel):
    """What came of a list: which plays began, which were there already, which accounts were refused.

    Of a long list that is worked off after the answer, `status` is `running`, and the launch itself says how far it is.
    """

    id: str = Field(examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])
    playbook: str = Field(examples=["at-risk-save"])
    version: int = Field(examples=[3])
    status: str = Field(default="done", examples=["done"])
    expected: int = Field(default=0, examples=[2], description="Accounts that are decided about, now or after the answer.")
    started: list[RunOut]
    existing: list[RunOut]
    queued: int = Field(default=0, examples=[0], description="Accounts that wait for room, for an approval, or for a delay to be over.")
    held_out: int = Field(default=0, examples=[0], description="Accounts that are left alone, so that the effect can be measured.")
    refused: list[Refusal]
    problems: list[RowProblem] = Field(default_factory=list, description="Rows of a file that were left out, the first hundred.")
    notes: list[str] = Field(default_factory=list)


class JobOut(BaseModel):
    """A command to many plays, and how far it is."""

    id: str = Field(examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])
    do: Do = Field(examples=["cancel"])
    status: str = Field(examples=["running"], description="running or done.")
    launch: str | None = None
    which: JsonMap = Field(default_factory=dict, examples=[{"playbook": "at-risk-save", "version": 3}])
    by: str = Field(examples=["maria"])
    reason: str | None = None
    total: int = Field(examples=[240], description="Plays it is for.")
    progress: dict[str, int] = Field(
        default_factory=dict,
        examples=[{"told": 238, "open": 2, "ended": 120}],
        description="open: not told yet; told; nothing: was as wanted already; refused; ended: those told that have ended since.",
    )
    refused: list[Refusal] = Field(default_factory=list, description="Plays that did not take it, or could not be reached yet.")
    created_at: datetime
    ended_at: datetime | None = None


class LaunchOut(BaseModel):
    """A launch and where its plays stand."""

    id: str
    playbook: str = Field(examples=["at-risk-save"])
    version: int = Field(examples=[3])
    kind: str = Field(examples=["bulk"])
    trigger_id: str | None = Field(default=None, examples=["schedule_1"])
    status: str = Field(examples=["done"], description="running, waiting, paused, halted, done, failed or cancelled.")
    why: str = Field(default="", description="What it waits for, or why it stopped.")
    started_by: str | None = Field(default=None, examples=["maria"])
    accounts: int = Field(examples=[2], description="Accounts that were looked at.")
    expected: int | None = Field(default=None, examples=[2], description="Accounts that are to be looked at, where that is known.")
    counts: dict[str, int] = Field(default_factory=dict, examples=[{"entered": 1, "already_active": 1}], description="What became of them.")
    waiting: int = Field(default=0, examples=[0], description="Accounts of it that wait to enter.")
    open_wave: int = Field(default=0, examples=[0], description="The wave that is open; 0 when there are none.")
    wave_at: datetime | None = None
    task: str | None = Field(default=None, description="The inbox item that asks for its approval.")
    started_at: datetime
    ended_at: datetime | None = None
    states: dict[str, int] = Field(default_factory=dict, examples=[{"running": 1, "completed": 1}])

    @computed_field(description="The share of the accounts that was looked at, 0 to 1; null while it is not known.", examples=[1.0])
    def share(self) -> float | None:
        """Give how far it is."""
        return None if self.expected is None else min(1.0, self.accounts / self.expected) if self.expected else 1.0

    @computed_field(description="Accounts looked at in a second, on average.", examples=[85.3])
    def per_second(self) -> float:
        """Give how fast it is, or was."""
        took = ((self.ended_at or datetime.now(UTC)) - self.started_at).total_seconds()
        return round(self.accounts / took, 1) if took > 0 else 0.0


class LaunchAccountOut(BaseModel):
    """What became of an account of a launch."""

    account: str = Field(examples=["C-0001"])
    state: str = Field(examples=["refused"], description="Empty as long as it was not decided about.")
    reason: str = Field(examples=["not_in_audience"])
    detail: str = Field(default="", examples=['is not in the audience: account.status == "active"'])


class LaunchTold(BaseModel):
    """What a pause, resume or cancel of a launch did at once, and what goes on."""

    launch: LaunchOut
    withdrawn: int = Field(default=0, examples=[12], description="Accounts that were taken out of the queue.")
    job: JobOut | None = Field(default=None, description="The command to its plays; null when none is under way.")


class TellLaunch(Body):
    """Pause or resume a launch."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "The mail has a mistake."}]})
    reason: Reason = None


class CancelLaunch(Body):
    """End a launch: nobody else enters, and its plays end. With `undo` what they did is taken back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"undo": False, "reason": "Wrong list."}]})
    undo: bool = False
    reason: Reason = None


class RunsFilter(Body):
    """Which plays; what is left out does not matter. At least one of them is needed."""

    playbook: PlaybookSlug | None = None
    version: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    launch: Annotated[str | None, Field(max_length=100)] = None
    state: RunState | None = None
    owner: Annotated[str | None, Field(max_length=100)] = None


class BulkCommand(Body):
    """Tell many plays the same. First without `dry_run: false`, which counts them and gives a token; then with the token."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"filter": {"playbook": "at-risk-save", "version": 3}, "do": "pause"}]}
    )
    filter: RunsFilter
    do: Do
    dry_run: bool = True
    token: Annotated[str | None, Field(max_length=200, description="Of the dry run, an hour old at most.")] = None
    undo: bool = Field(default=False, description="Of a cancel: also take back what was done.")
    force: bool = Field(default=False, description="Of an undo: overwrite what people changed since.")
    reason: Reason = None


class BulkAnswer(BaseModel):
    """What a command to many plays is for, or what it has begun."""

    dry_run: bool = Field(examples=[True])
    total: int = Field(examples=[240])
    states: dict[str, int] = Field(default_factory=dict, examples=[{"waiting": 238, "completed": 2}])
    token: str | None = Field(default=None, description="Send it with `dry_run: false` to do it.")
    withdrawn: int = Field(default=0, description="Of a cancel: accounts that were taken out of the queue.")
    job: JobOut | None = None


class UndoLaunch(Body):
    """Take back what every play of a launch did. `force` overwrites what people changed since."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"force": False, "reason": "Started by mistake."}]})
    force: bool = False
    reason: Reason = None


class LaunchUndone(BaseModel):
    """An undo that was written down; `job` says how far it is, and goes on whatever dies."""

    withdrawn: int = Field(default=0, examples=[0], description="Accounts that were taken out of the queue.")
    undoing: int = Field(examples=[2], description="Plays whose effects are taken back.")
    nothing: int = Field(examples=[0], description="Plays that had nothing left to take back.")
    refused: list[Refusal] = Field(default_factory=list)
    job: JobOut


class Receipt(BaseModel):
    """One effect, and what became, or would become, of taking it back."""

    account: str = Field(examples=["C-0001"])
    run: str
    step: str = Field(examples=["flag"])
    action: str = Field(examples=["cta.open"])
    title: str = Field(default="", examples=["Open a risk CTA"])
    effect_class: str = Field(examples=["compensable"])
    outcome: str = Field(
        examples=["undone"],
        description="undone, conflict, impossible, failed, kept (the author said so), nothing (it had no effect), or "
        "open: before an undo it would be taken back, during one it is still to be.",
    )
    detail: str | None = Field(default=None, examples=['closed the call to action "Save ACME"'])
    field: str | None = Field(default=None, examples=["stage"], description="Of a conflict: the field that somebody changed.")
    ours: JsonTree = Field(default=None, examples=["at_risk"], description="What the play wrote there.")
    now: JsonTree = Field(default=None, examples=["closing"], description="What is there now.")
    at: datetime
    undone_at: datetime | None = None


class UndoReport(BaseModel):
    """The receipt of an undo, or what it would do when none was asked for yet."""

    dry_run: bool = Field(description="No undo was asked for yet; this is what it would do.", examples=[False])
    job: JobOut | None = None
    counts: dict[str, int] = Field(
        default_factory=dict,
        examples=[{"undone": 470, "conflict": 2, "impossible": 12}],
        description="Effects by outcome, as the ledger has them; conflicts that are only foreseen are on the items.",
    )
    items: list[Receipt]
    next: str | None = None


Counted.model_rebuild()
