"""A stand-in for Twilio: messages in memory, and the numbers that said STOP."""

import base64
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.sandbox.fake import Fake, Landed

Object: TypeAlias = dict[str, Any]
_ACCOUNT = "/2010-04-01/Accounts/{sid}"


class FakeTwilio(Fake):
    """One account."""

    name = "twilio"
    tokens: tuple[str, ...] = ()

    def __init__(self) -> None:
        """Begin with no message."""
        super().__init__()
        self.messages: list[Object] = []
        self.stopped: set[str] = set()

    def routes(self) -> list[BaseRoute]:
        """Give the part of the API that the connector uses."""
        return [
            Route(f"{_ACCOUNT}.json", self._account),
            Route(f"{_ACCOUNT}/Messages.json", self._list, methods=["GET"]),
            Route(f"{_ACCOUNT}/Messages.json", self._create, methods=["POST"]),
        ]

    async def _account(self, request: Request) -> Response:
        sid = request.path_params["sid"]
        about = {"sid": sid, "friendly_name": "Sandbox", "status": "active", "type": "Trial", "owner_account_sid": sid}
        return self._refusal(request) or JSONResponse(about)

    async def _create(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        form = {name: str(value) for name, value in (await request.form()).items()}
        if form["To"] in self.stopped:
            return _error(400, 21610, "Attempt to send to unsubscribed recipient")
        now = format_datetime(datetime.now(UTC))
        made = {
            "sid": f"SM{len(self.messages):032x}",
            "account_sid": request.path_params["sid"],
            "api_version": "2010-04-01",
            "body": form["Body"],
            "to": form["To"],
            "from": form.get("From"),
            "messaging_service_sid": form.get("MessagingServiceSid"),
            "status": "queued",
            "direction": "outbound-api",
            "date_created": now,
            "date_updated": now,
            "date_sent": None,
            "num_segments": "1",
            "num_media": "0",
            "price": None,
            "price_unit": "USD",
            "error_code": None,
            "error_message": None,
            "uri": f"{request.url.path.removesuffix('.json')}/SM{len(self.messages):032x}.json",
            "subresource_uris": {},
        }
        self.messages.append(made)
        self.landed.append(Landed(f"text message: {form['Body'][:60]}", form["To"]))
        return JSONResponse(made, 201)

    async def _list(self, request: Request) -> Response:
        to = request.query_params.get("To")
        found = [each for each in reversed(self.messages) if to in (None, each["to"])]
        page = {
            "messages": found,
            "page": 0,
            "page_size": 50,
            "next_page_uri": None,
            "uri": request.url.path,
            "start": 0,
            "end": len(found),
        }
        return self._refusal(request) or JSONResponse({**page, "first_page_uri": request.url.path, "previous_page_uri": None})

    def _refusal(self, request: Request) -> Response | None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind == "Basic" and base64.b64decode(given).decode().partition(":")[2].startswith(("sandbox-", *self.tokens)):
            return None
        return _error(401, 20003, "Authenticate")


def _error(status: int, code: int, message: str) -> Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return JSONResponse({"code": code, "message": message, "more_info": more, "status": status}, status)
