"""Nothing is ever called: the team's systems call us. What can be verified is that a signature can be made and checked."""

from datetime import UTC, datetime

from standardwebhooks import Webhook

from connectors.cloudevents.vendor import CloudEventsCredentials
from connectors.errors import NotAuthorized


class CloudEventsEndpoint:
    """The endpoint, as far as it is a client."""

    def __init__(self, credentials: CloudEventsCredentials) -> None:
        """Keep the secret."""
        self._secret = credentials.secret

    async def verify(self) -> str:
        """Sign something with the secret.

        Raises:
            NotAuthorized: nothing can be signed with it.
        """
        try:
            Webhook(self._secret.get_secret_value()).sign("verify", datetime.now(UTC), "{}")
        except (ValueError, RuntimeError):
            raise NotAuthorized("nothing can be signed with this secret; `playkeeper new-key` makes one") from None
        return "your own systems"

    async def close(self) -> None:
        """Let go of nothing."""
