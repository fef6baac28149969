"""`Idempotency-Key`: a request that is sent again gets the answer of the first time, and does nothing a second time."""

import hashlib
import json
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError
from starlette.datastructures import Headers, State
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import answer_database_error, problem_response
from api.limits import HOOKS
from api.problems import FieldProblem, Problem, RequestInvalid, RequestRepeatedDifferently, RequestUnderWay
from storage.repositories.requests import claim_request, drop_request, keep_answer
from storage.session import Database

HEADER = "Idempotency-Key"
MAX_KEY = 200
PREVIEWS = "/v1/launches/preview"
_METHODS = {"POST", "PATCH", "PUT", "DELETE"}


@dataclass
class _Answer:
    """What the application answered."""

    status: int = 0
    body: bytes = b""
    parts: list[Message] = field(default_factory=list)

    async def note(self, message: Message) -> None:
        self.parts.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


class Idempotency:
    """ASGI middleware; expects the whole body in the first message, as `RequestLimits` hands it on."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        """Keep answers in the database of `state`."""
        self.app = app
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what is kept, or pass the request on and keep its answer."""
        key = Headers(scope=scope).get(HEADER) if _may_have_key(scope) else None
        if key is None:
            await self.app(scope, receive, send)
            return
        try:
            await self._once(key, scope, receive, send)
        except Problem as problem:
            await problem_response(problem, scope["path"])(scope, receive, send)
        except (DBAPIError, OSError) as error:
            await (await answer_database_error(Request(scope), error))(scope, receive, send)

    async def _once(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        if not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
            detail = f"must be 1 to {MAX_KEY} printable ASCII characters"
            raise RequestInvalid(errors=[FieldProblem(pointer=f"header/{HEADER}", detail=detail, code="bad_key")])
        message = await receive()
        digest = _digest(scope, message.get("body", b""))
        database: Database = self.state.database
        tenant: str = self.state.tenant
        async with database.begin(tenant) as session:
            first = await claim_request(session, key, digest)
        if first is not None:
            if first.digest != digest:
                raise RequestRepeatedDifferently
            if first.status == 0:
                raise RequestUnderWay
            await JSONResponse(first.answer, first.status, {"Idempotent-Replay": "true"})(scope, receive, send)
            return
        answer = _Answer()
        try:
            await self._pass_on(message, answer, scope, receive)
        finally:
            await self._keep(database, tenant, key, answer)
        # Sent only when it is kept: whoever has the answer may send the request again at once.
        for part in answer.parts:
            await send(part)

    async def _pass_on(self, message: Message, answer: _Answer, scope: Scope, receive: Receive) -> None:
        waiting = [message]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self.app(scope, replay, answer.note)

    async def _keep(self, database: Database, tenant: str, key: str, answer: _Answer) -> None:
        """Refusals are not kept: what was wrong may be mended, and the request sent again."""
        async with database.begin(tenant) as session:
            if 200 <= answer.status < 300:
                await keep_answer(session, key, answer.status, json.loads(answer.body) if answer.body else {})
            else:
                await drop_request(session, key)


def _may_have_key(scope: Scope) -> bool:
    # Nobody who sends vendors' events is known before the signature was checked, and each event has an id of its own. A preview writes
    # nothing at all, not even that it was asked for.
    return scope["type"] == "http" and scope["method"] in _METHODS and not scope["path"].startswith((HOOKS, PREVIEWS))


def _digest(scope: Scope, body: bytes) -> str:
    actor = Headers(scope=scope).get("X-Playkeeper-Actor", "")
    asked = "\n".join([scope["method"], scope["path"], scope["query_string"].decode("latin-1"), actor])
    return hashlib.sha256(asked.encode() + b"\n" + body).hexdigest()
