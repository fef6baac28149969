"""The tables of messages to people at customers: who was written to when, and which messages wait because that was often enough."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from storage.table_parts import Owned, made_at, moment


class Touch(Owned, table=True):
    """One message to one recipient that was sent, or is about to be. A message that turned out not to be sent has none.

    `effect` is its row of the ledger. `recipient` is a contact's id, or `#` and the digest of an address that is nobody's.
    """

    __table_args__ = (
        Index("touch_by_recipient", "tenant", "recipient", "channel", "at"),
        Index("touch_by_account", "tenant", "account", "channel", "at"),
    )

    effect: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    account: str
    channel: str
    at: datetime = made_at()
    run: str
    playbook: str


class TouchWait(Owned, table=True):
    """A message that waits until its recipient (empty: its account) may be written to again.

    The urgent goes first, then the higher `priority`, then the older. `until` is when it asks again; from `gone_at` on nobody counts on it.
    """

    __tablename__ = "touch_wait"
    __table_args__ = (
        Index("touch_wait_by_account", "tenant", "account", "channel"),
        Index("touch_wait_by_recipient", "tenant", "recipient", "channel"),
    )

    effect: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    account: str
    channel: str
    urgent: bool = False
    priority: int = 0
    since: datetime = made_at()
    until: datetime = moment()
    gone_at: datetime = moment()
    run: str
    playbook: str
    step_key: str
    why: str = ""
