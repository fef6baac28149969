"""A vendor of the tests, whose reader does what the others do in turn: shakes hands, looks at the address, breaks down."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from pydantic import SecretStr

from connectors.incoming import Delivered, Forged, Ref, Reply, VendorEvent
from connectors.vendor import Allowance, Credentials, Vendor, VendorClient


class OtherCredentials(Credentials):
    secret: SecretStr


def _open(credentials: Credentials, sandbox_url: str | None) -> VendorClient:
    raise NotImplementedError


OTHER: Final = Vendor[VendorClient](
    name="other",
    title="Other",
    credentials=OtherCredentials,
    open=_open,
    sandbox={"secret": "sandbox"},
    allowance=Allowance(per_hour=1, burst=1),
    reader="tests.api.other_reader:read_events",
)


def signed(url: str, body: bytes, key: str = "sandbox") -> dict[str, str]:
    return {"x-signature": hmac.digest(key.encode(), url.encode() + body, "sha256").hex(), "content-type": "application/json"}


def read_events(delivered: Delivered, credentials: Credentials) -> Sequence[VendorEvent] | Reply:
    secret = OtherCredentials.model_validate(credentials).secret.get_secret_value()
    if delivered.headers.get("x-signature") != signed(delivered.url, delivered.body, secret)["x-signature"]:
        raise Forged
    told = json.loads(delivered.body)
    if "challenge" in told:
        return Reply(told["challenge"])
    if "reply" in told:
        return Reply(
            "<Response/>",
            "text/xml",
            [VendorEvent(told["reply"], "sms.replied", datetime(2026, 11, 20, tzinfo=UTC), {}, (Ref("a", "b" * 600),))],
        )
    if "unknown" in told:
        return []
    raise KeyError(f"canary {told}")
