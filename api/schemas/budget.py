"""Bodies of the routes about budgets of messages."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.schemas.runs import Body
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.timing.rates import read_rate


def _rate(text: str) -> str:
    try:
        count, span = read_rate(text)
    except TimingError:
        count, span = 0, ""
    if not span:
        raise ValueError(f'"{text}" is no count per time; write 3 per week, or 3 per 14 days')
    return f"{count} per {span}"


Rate = Annotated[str, Field(max_length=60, examples=["3 per 14 days"]), AfterValidator(_rate)]
Channel = Literal["email", "sms"]


class DefaultBudgets(Body):
    """How many messages somebody may get, by all plays together. A channel that is left out has no limit."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"email": "3 per 14 days", "per": "contact"}]})
    email: Rate | None = None
    sms: Rate | None = None
    per: Literal["contact", "account"] = Field(
        default="contact", description="Whether each contact is counted, or all of an account together."
    )


class ChannelBudget(BaseModel):
    """What somebody has had by a channel, and what is left."""

    channel: Channel = Field(examples=["email"])
    budget: str | None = Field(default=None, description="What holds; null when nothing does.", examples=["3 per 14 days"])
    since: datetime = Field(description="Messages since then are counted.")
    had: int = Field(examples=[3])
    left: int | None = Field(default=None, description="How many more may be sent now.", examples=[0])
    frees_at: datetime | None = Field(default=None, description="When one more may be sent; null when it may now.")


class ContactBudget(BaseModel):
    """What one contact has had. With a budget for the account as a whole `left` says nothing here."""

    contact: str = Field(examples=["C-0001-champion"])
    name: str = Field(examples=["Ada Meyer"])
    channels: list[ChannelBudget]


class MessageWaiting(BaseModel):
    """A message that waits until somebody may be written to again. Those that go first come first."""

    run: str
    playbook: str = Field(examples=["at-risk-save"])
    step: str = Field(examples=["intro"])
    contact: str | None = Field(default=None, description="Null when it waits for the account as a whole.", examples=["C-0001-champion"])
    channel: Channel = Field(examples=["email"])
    urgent: bool = False
    priority: int = Field(examples=[0])
    since: datetime
    until: datetime = Field(description="When it asks again.")
    why: str = Field(examples=["waits until 2 Dec: Ada Meyer has had 3 e-mails in 14 days"])


class AccountBudget(BaseModel):
    """How often the people at an account were written to, by all plays together."""

    account: str = Field(examples=["C-0001"])
    playbook: str | None = Field(default=None, description="Whose budgets these are; null for those that hold by default.")
    contacts: list[ContactBudget]
    together: list[ChannelBudget] = Field(description="The account as a whole: each message once, however many people it went to.")
    waiting: list[MessageWaiting]
