"""A stand-in for a team's own endpoint: it verifies signatures with the package's own code, and knows a message by its id."""

from typing import Any, TypeAlias

from standardwebhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.sandbox.fake import Fake, Landed
from connectors.webhook.vendor import WEBHOOK

Message: TypeAlias = dict[str, Any]


class FakeReceiver(Fake):
    """Messages by their id; pings are answered and forgotten."""

    name = "webhook"
    secret = WEBHOOK.sandbox["secret"]

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.messages: dict[str, Message] = {}

    def routes(self) -> list[BaseRoute]:
        """Give the endpoint."""
        return [Route("/", self._take, methods=["POST"])]

    async def _take(self, request: Request) -> Response:
        try:
            message = Webhook(self.secret).verify(await request.body(), dict(request.headers))
        except (WebhookVerificationError, ValueError):
            return JSONResponse({"error": "the signature is wrong"}, 401)
        message_id = request.headers["webhook-id"]
        if not message_id.startswith("ping_") and message_id not in self.messages:
            self.messages[message_id] = message
            self.landed.append(Landed(f"message {message['type']}", str(message.get("account", ""))))
        return Response(status_code=204)
