"""Bodies of the routes about enrollments and exemptions."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.schemas.parts import AccountId, PlaybookSlug, Reason
from api.schemas.runs import Body

EnrollmentState: TypeAlias = Literal["suppressed", "held_out", "queued", "active", "left"]
"""The states that are written down; see docs/enrollment.md."""


class EnrollmentOut(BaseModel):
    """An account in a playbook, now or earlier."""

    id: str = Field(examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])
    playbook: str = Field(examples=["at-risk-save"])
    version: int = Field(examples=[3])
    account: str = Field(examples=["C-0001"])
    key: str = Field(default="", description="What “the same” is for `again`; empty for the account alone.", examples=["in_1042"])
    episode: int = Field(description="Numbers the account's enrollments in this playbook.", examples=[1])
    state: EnrollmentState = Field(examples=["queued"])
    reason: str = Field(description="Why it is in this state; of one that has left, how the play ended.", examples=["waits_for_room"])
    detail: str = Field(default="", examples=["waits for room"])
    trigger: str = Field(examples=["event"])
    trigger_id: str | None = Field(default=None, examples=["payment_failed"])
    launch: str | None = None
    wave: int = 0
    run: str | None = Field(default=None, description="Its play.")
    owner: str | None = Field(default=None, examples=["maria"])
    by: str | None = Field(default=None, examples=["maria"])
    until: datetime | None = Field(default=None, description="When a delay is looked at again, or an observation ends.")
    created_at: datetime
    changed_at: datetime
    begun_at: datetime | None = None
    left_at: datetime | None = None


class Withdraw(Body):
    """Why an enrollment is taken back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "They signed yesterday"}]})
    reason: Reason = None


ExemptionFrom: TypeAlias = Literal["playbook", "holdout"]
"""What somebody is taken out of."""

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class AddExemption(Body):
    """Take an account, or all accounts of a segment, out of a playbook or of its holdout."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"account": "C-0001", "playbook": "at-risk-save", "because": "Their lawyers asked", "until": "2027-01-01T00:00:00Z"}
            ]
        },
    )
    account: Annotated[AccountId | None, Field(description="One account; else name a segment.")] = None
    segment: Annotated[
        str | None,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
        Field(description="All accounts that are in this segment at the time they come.", examples=["public-sector"]),
    ] = None
    playbook: Annotated[PlaybookSlug | None, Field(description="One playbook; without it all of them.")] = None
    from_: Annotated[
        ExemptionFrom,
        Field(
            alias="from", description="`playbook`: it does not enter. `holdout`: it enters, and is never left alone.", examples=["holdout"]
        ),
    ] = "playbook"
    because: _Text = Field(description="Why; everybody who asks why not is told.", examples=["Their lawyers asked"])
    until: Annotated[AwareDatetime | None, Field(description="When it is over, with a time zone; without it never.")] = None

    @model_validator(mode="after")
    def _one_of(self) -> "AddExemption":
        if (self.account is None) == (self.segment is None):
            raise ValueError("name an account or a segment, one of them")
        return self


class ExemptionOut(BaseModel):
    """An exemption."""

    id: str = Field(examples=["0199f3a0-5f7e-7c3b-9d2a-0c6a4f1e2b3c"])
    account: str | None = Field(default=None, examples=["C-0001"])
    segment: str | None = Field(default=None, examples=["public-sector"])
    playbook: str | None = Field(default=None, description="Null: all playbooks.", examples=["at-risk-save"])
    from_: ExemptionFrom = Field(serialization_alias="from", examples=["playbook"])
    because: str = Field(examples=["Their lawyers asked"])
    by: str = Field(examples=["maria"])
    until: datetime | None = None
    created_at: datetime
