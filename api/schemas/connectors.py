"""Bodies of the routes about connectors."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.parts import AccountId
from api.schemas.runs import Body
from playbook_dsl.values import Json


class CredentialField(BaseModel):
    """One thing to fill in."""

    name: str = Field(examples=["api_key"])
    help: str = Field(examples=["Secret or restricted key, `sk_live_…`."])
    required: bool = Field(examples=[True])
    secret: bool = Field(examples=[True])


class ConnectorOut(BaseModel):
    """A vendor, and whether this organisation is connected to it. Credentials are never shown."""

    vendor: str = Field(examples=["stripe"])
    title: str = Field(examples=["Stripe"])
    state: Literal["connected", "sandbox", "not_connected"] = Field(
        examples=["connected"], description="`sandbox`: calls go to a stand-in on this machine."
    )
    account: str | None = Field(default=None, examples=["live account"], description="Whose account it is, as the vendor said.")
    saved_by: str | None = Field(default=None, examples=["maria"])
    saved_at: datetime | None = None
    verified_at: datetime | None = None
    per_hour: int = Field(examples=[500], description="Calls an hour, all workers together.")
    burst: int = Field(examples=[750], description="Calls at once after a rest.")
    circuit: Literal["closed", "open"] = Field(examples=["closed"], description="Open: the vendor failed again and again, and steps wait.")
    open_until: datetime | None = None
    credentials: list[CredentialField] = Field(description="What has to be filled in to connect.")


class ConnectVendor(Body):
    """Credentials to be verified with the vendor and kept sealed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"credentials": {"api_key": "rk_live_…"}}]})
    credentials: dict[str, Json] = Field(description="By the names that GET /v1/connectors gives.")


class LinkObject(Body):
    """Which object of the vendor belongs to an account."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"kind": "customer", "external_id": "cus_NffrFeUfNV2Hib", "account": "C-0001"}]}
    )
    kind: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$", description="What it is in the vendor's words.")]
    external_id: Annotated[str, Field(min_length=1, max_length=200, description="Its id there.")]
    account: AccountId
    contact: Annotated[str | None, Field(max_length=200, description="The contact it stands for, when it is a person.")] = None
