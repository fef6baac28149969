"""The answer to why an account is in a playbook, or is not."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.schemas.enrollments import EnrollmentOut


class FactOut(BaseModel):
    """A fact that was looked at. `value` is null when it is not known; of a sealed one only that it is there."""

    path: str = Field(examples=["health.score"])
    value: str | None = Field(default=None, examples=["40"])


class RuleOut(BaseModel):
    """One rule, in the order in which they are asked."""

    rule: str = Field(examples=["audience"])
    question: str = Field(examples=["Is it in the audience?"])
    answer: Literal["yes", "no", "waits", "ignored", "not_asked"] = Field(
        description="`yes`: this rule lets it in. `no`: it does not. `waits`: it may enter later.", examples=["no"]
    )
    value: str = Field(description="What the rule looked at.", examples=["health.score < 50"])
    at: datetime | None = Field(default=None, description="The time that matters to it: since when, or until when.")
    facts: list[FactOut] = []


class LimitOut(BaseModel):
    """A limit, and how much of it is used now."""

    name: Literal["at_once", "per_day", "per_owner"]
    used: int = Field(examples=[50])
    limit: int = Field(examples=[50])
    words: str = Field(examples=["50 of 50 plays are under way"])


class QueueOut(BaseModel):
    """One that waits, and for what."""

    enrollment: str
    place: int | None = Field(default=None, description="From 1; null while it does not wait for room alone.", examples=[4])
    of: int = Field(description="How many wait for room alone.", examples=[12])
    waits_for: list[str] = Field(examples=[["room: 50 of 50 plays are under way"]])


class TriggerOut(BaseModel):
    """One way in."""

    id: str = Field(examples=["score_1"])
    kind: str = Field(examples=["score"])
    words: str = Field(examples=["the health score drops below 50 from 70 within 7 days"])
    now: str | None = Field(default=None, description="How what it watches stands now.", examples=["the score is not below 50"])
    condition: bool | None = Field(default=None, description="Whether its `if` holds now; null when it has none, or it looks at the event.")
    next_at: datetime | None = Field(default=None, description="Of a schedule: when it comes round next.")
    facts: list[FactOut] = []


class RefusalOut(BaseModel):
    """The last time it was not let in."""

    at: datetime
    reason: str = Field(examples=["too_soon"])
    detail: str
    trigger: str = Field(examples=["event"])
    trigger_id: str | None = None
    launch: str | None = None
    version: int
    until: datetime | None = None


class ArmOut(BaseModel):
    """Whether it is treated or left alone; drawn once."""

    arm: Literal["treated", "control"]
    stratum: str = ""
    share: float = Field(description="The share that was left alone when it was drawn.", examples=[0.15])
    drawn_at: datetime
    contaminated_at: datetime | None = Field(default=None, description="When it was played all the same.")


class WouldBe(BaseModel):
    """What would become of it if a trigger brought it now."""

    state: str = Field(examples=["refused"])
    reason: str = Field(examples=["too_soon"])
    detail: str
    until: datetime | None = None


class WhyOut(BaseModel):
    """Why an account is in a playbook, was, or never was."""

    account: str = Field(examples=["C-0001"])
    name: str = Field(examples=["ACME"])
    playbook: str = Field(examples=["at-risk-save"])
    title: str
    version: int = Field(description="Whose rules were asked.", examples=[3])
    published: bool = Field(description="False: nobody enters, and the rules are those of the newest version.")
    key: str = Field(description="What it is about; empty for the account alone.")
    at: datetime
    summary: list[str] = Field(description="The answer in words.", examples=[["ACME is in this playbook since 2026-11-20."]])
    would: WouldBe
    rules: list[RuleOut]
    limits: list[LimitOut]
    enrollments: list[EnrollmentOut] = Field(description="Those that are open now.")
    history: list[EnrollmentOut] = Field(description="Those that are over, the newest first; at most fifty.")
    queue: list[QueueOut]
    last_refusal: RefusalOut | None = None
    arm: ArmOut | None = None
    triggers: list[TriggerOut]
