"""Types that several bodies share."""

from typing import Annotated, Any, TypeAlias

from pydantic import Field, StringConstraints

JsonMap: TypeAlias = dict[str, Any]
"""JSON of any shape under names; `RequestLimits` has checked its depth and its characters."""

ACCOUNT_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
SLUG = r"^[a-z0-9][a-z0-9-]{0,62}$"

AccountId = Annotated[str, StringConstraints(pattern=ACCOUNT_ID), Field(description="The account's own id.", examples=["C-0001"])]
PlaybookSlug = Annotated[str, StringConstraints(pattern=SLUG), Field(description="The playbook's slug.", examples=["at-risk-save"])]
Reason = Annotated[str | None, Field(default=None, max_length=1000, description="Why; kept in the audit trail.")]
