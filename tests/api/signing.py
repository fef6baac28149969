"""What a team's own system does: sign events by the Standard Webhooks rules and send them.

Signed by hand, not with the SDK that verifies.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx

from storage.encryption import KeyRing
from storage.repositories.connections import save_connection
from storage.session import Database, Session
from tests.database import TENANT

T = TypeVar("T")

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four bytes").decode()
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
HOOK = "/v1/hooks/cloudevents"


def in_database(url: str, keys: str, work: Callable[[Session], Awaitable[T]]) -> T:
    """Run something in a transaction of the tenant, beside the API."""

    async def run() -> T:
        database = Database(url, KeyRing.parse(keys), pooled=False)
        try:
            async with database.begin(TENANT) as session:
                return await work(session)
        finally:
            await database.close()

    return asyncio.run(run())


def connect(url: str, keys: str, **credentials: str) -> None:
    """Save the secret as a connection."""

    async def save(session: Session) -> None:
        await save_connection(session, "cloudevents", {**(credentials or {"secret": SECRET})}, account="own systems", saved_by="test")

    in_database(url, keys, save)


def event(kind: str = "invoice.payment_failed", **fields: Any) -> dict[str, Any]:
    """A CloudEvent; `data` and others can be given."""
    return {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/billing", "type": kind, **fields}


def signature(body: bytes, message_id: str, at: float, secret: str = SECRET) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{int(at)}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def headers(body: bytes, *, message_id: str = "", at: float | None = None, secret: str = SECRET, kind: str = STRUCTURED) -> dict[str, str]:
    message_id = message_id or uuid.uuid4().hex
    when = time.time() if at is None else at
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(when)),
        "webhook-signature": signature(body, message_id, when, secret),
        "content-type": kind,
    }


def send(http: httpx.Client, what: object, *, more: Mapping[str, str] | None = None, **particulars: Any) -> httpx.Response:
    """Sign and post: an event, a list of events (a batch), or bytes as they are."""
    body = what if isinstance(what, bytes) else json.dumps(what).encode()
    if isinstance(what, list):
        particulars.setdefault("kind", BATCH)
    return http.post(HOOK, content=body, headers={**headers(body, **particulars), **(more or {})})
