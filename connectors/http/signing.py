"""Signs requests by the Standard Webhooks rules. Nothing is ever called with these credentials: the web client sends what was signed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook

from connectors.errors import NotAuthorized, Rejected
from connectors.http.vendor import HttpCredentials

_PREFIX = "webhook-"


@dataclass(frozen=True)
class Signed:
    """A request that is signed: the signature is in `headers`, and holds for exactly this `body`."""

    headers: Mapping[str, str]
    body: str | None


class RequestSigner:
    """A tenant's way to sign."""

    def __init__(self, credentials: HttpCredentials) -> None:
        """Keep the secrets."""
        secrets = (credentials.secret, credentials.previous_secret)
        self._secrets = [secret for secret in secrets if secret is not None]

    async def verify(self) -> str:
        """Sign something.

        Raises:
            NotAuthorized: nothing can be signed with a secret.
        """
        try:
            self._signatures("verify", datetime.now(UTC), "")
        except (ValueError, RuntimeError):
            raise NotAuthorized("nothing can be signed with this secret; `playkeeper new-key` makes one") from None
        return "your own systems"

    async def close(self) -> None:
        """Let go of nothing."""

    def sign(self, message_id: str, headers: Mapping[str, str], body: object) -> Signed:
        """Give the request as it is to be sent: a body that is no text as the JSON that was signed, and the three headers of the rules.

        Args:
            message_id: the `webhook-id`, the same for every attempt; `webhook-timestamp` is now, because services refuse old ones.
            headers: what the author wants.
            body: what the author wants.

        Raises:
            Rejected: the author wants a header that is part of the signature.
        """
        ours = next((name for name in headers if name.lower().startswith(_PREFIX)), None)
        if ours is not None:
            raise Rejected(f'the header "{ours}" is set by us in a signed request')
        more = {}
        if body is not None and not isinstance(body, str):
            body = json.dumps(body, ensure_ascii=False)
            more = {} if any(name.lower() == "content-type" for name in headers) else {"Content-Type": "application/json"}
        now = datetime.now(UTC)
        more |= {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signatures(message_id, now, body or ""),
        }
        return Signed({**headers, **more}, body)

    def _signatures(self, message_id: str, at: datetime, body: str) -> str:
        """Sign with every secret: a service needs to know one of them."""
        return " ".join(Webhook(secret.get_secret_value()).sign(message_id, at, body) for secret in self._secrets)
