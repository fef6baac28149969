"""A stand-in for SendGrid: mails in memory, who may not be written to, and signed events."""

import base64
import json
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.incoming import Delivered
from connectors.sandbox.fake import Fake, Landed

Object: TypeAlias = dict[str, Any]
_SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
_TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"


class FakeSendGrid(Fake):
    """One account. `mails` are those that were taken, `checked` those of the sandbox mode. `left` are the unsubscribed, by group."""

    name = "sendgrid"

    def __init__(self) -> None:
        """Begin with no mail."""
        super().__init__()
        self.mails: list[Object] = []
        self.checked: list[Object] = []
        self.bounced: set[str] = set()
        self.complained: set[str] = set()
        self.unsubscribed: set[str] = set()
        self.left: dict[int, set[str]] = {}

    def routes(self) -> list[BaseRoute]:
        """Give the part of /v3 that the connector uses."""
        return [
            Route("/v3/scopes", self._scopes),
            Route("/v3/mail/send", self._send, methods=["POST"]),
            Route("/v3/messages", self._messages),
            Route("/v3/suppression/bounces/{email:path}", self._bounces),
            Route("/v3/suppression/spam_reports/{email:path}", self._spam_reports),
            Route("/v3/asm/suppressions/global/{email:path}", self._global),
            Route("/v3/asm/groups/{group:int}/suppressions/search", self._search, methods=["POST"]),
        ]

    def deliver(self, *events: Object, url: str = "https://example.com/v1/hooks/sendgrid", timestamp: str = "1780000000") -> Delivered:
        """Give the signed request by which SendGrid tells of events."""
        body = json.dumps(list(events)).encode()
        signature = _key().sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return Delivered({_SIGNATURE: base64.b64encode(signature).decode(), _TIMESTAMP: timestamp}, body, url)

    @staticmethod
    def verification_key() -> str:
        """Give the key that says whether events are this stand-in's."""
        public = _key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(public).decode()

    async def _scopes(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse({"scopes": ["mail.send", "suppression.read", "messages.read"]})

    async def _send(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        mail: Object = await request.json()
        wrong = _wrong(mail)
        if wrong is not None:
            return _error(400, *wrong)
        if mail.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            self.checked.append(mail)
            return Response(status_code=200)
        self.mails.append(mail)
        envelope = mail["personalizations"][0]
        self.landed.append(Landed(f"mail: {mail['subject']}", ", ".join(each["email"] for each in envelope["to"])))
        return Response(status_code=202, headers={"X-Message-Id": f"sandbox{len(self.mails)}"})

    async def _messages(self, request: Request) -> Response:
        query = request.query_params.get("query", "")
        found = [self._activity(number, mail) for number, mail in enumerate(self.mails) if f'"{_message_id(mail)}"' in query]
        return self._refusal(request) or JSONResponse({"messages": found[: int(request.query_params.get("limit", 10))]})

    @staticmethod
    def _activity(number: int, mail: Object) -> Object:
        to = mail["personalizations"][0]["to"][0]["email"]
        return {"msg_id": f"sandbox{number}", "from_email": mail["from"]["email"], "to_email": to, "subject": mail["subject"]}

    async def _bounces(self, request: Request) -> Response:
        return self._listed(request, self.bounced, {"reason": "550 5.1.1 unknown user", "status": "5.1.1"})

    async def _spam_reports(self, request: Request) -> Response:
        return self._listed(request, self.complained, {"ip": "192.0.2.1"})

    def _listed(self, request: Request, among: set[str], more: Object) -> Response:
        address = request.path_params["email"]
        found = [{"created": 1780000000, "email": address, **more}] if address in among else []
        return self._refusal(request) or JSONResponse(found)

    async def _global(self, request: Request) -> Response:
        address = request.path_params["email"]
        return self._refusal(request) or JSONResponse({"recipient_email": address} if address in self.unsubscribed else {})

    async def _search(self, request: Request) -> Response:
        asked: list[str] = (await request.json())["recipient_emails"]
        left = self.left.get(request.path_params["group"], set())
        return self._refusal(request) or JSONResponse([each for each in asked if each in left])

    @staticmethod
    def _refusal(request: Request) -> Response | None:
        if request.headers.get("authorization", "").startswith("Bearer SG.sandbox"):
            return None
        return _error(401, "The provided authorization grant is invalid, expired, or revoked", None)


def _key() -> ec.EllipticCurvePrivateKey:
    # Nobody's secret: a key made of a number that everybody can read.
    return ec.derive_private_key(20_260_101, ec.SECP256R1())


def _message_id(mail: Object) -> str:
    return str(mail["personalizations"][0].get("custom_args", {}).get("message_id"))


def _wrong(mail: Object) -> tuple[str, str] | None:
    """Say what SendGrid would not take."""
    for envelope in mail["personalizations"]:
        addresses = [each["email"].lower() for name in ("to", "cc", "bcc") for each in envelope.get(name, [])]
        if len(set(addresses)) != len(addresses):
            return "Each email address in the personalization block should be unique between to, cc, and bcc.", "personalizations"
    if [each["type"] for each in mail["content"]] != ["text/plain", "text/html"]:
        return "If present, text/plain must be first, followed by text/html, followed by any other content.", "content"
    return None


def _error(status: int, message: str, field: str | None) -> Response:
    return JSONResponse({"errors": [{"message": message, "field": field, "help": None}]}, status)
