"""What a request may be: its size, its depth, and text that can be stored. Checked before any route sees it."""

import json
import math
from collections.abc import Iterator
from typing import Never

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import problem_response
from api.media import is_json
from api.problems import BodyTooLarge, BodyUnreadable, Problem, RequestInvalid
from playbook_dsl.values import Json
from storage.storable import MAX_INTEGER

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_HOOK_BYTES = 1024 * 1024
MAX_USAGE_BYTES = 5 * 1024 * 1024
USAGE = "/v1/usage-events"
HOOKS = "/v1/hooks/"
"""Below this strangers send what they like until its signature was checked, and the signature is of the bytes as they came."""
MAX_DEPTH = 50

# A client that is still sending does not read our refusal. So what is too much is read and dropped, up to here.
_MAX_DRAINED_BYTES = 20 * MAX_BODY_BYTES


class RequestLimits:
    """ASGI middleware that refuses what is too large or cannot be read, as a problem."""

    def __init__(self, app: ASGIApp, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        """Guard `app`."""
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, check it, and hand it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            _check_address(scope)
            hook = scope["path"].startswith(HOOKS)
            body = await self._read(receive, self._at_most(scope["path"]))
            if body and not hook and is_json(Headers(scope=scope)):
                check_json(body)
        except Problem as problem:
            await problem_response(problem, scope["path"])(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)

    def _at_most(self, path: str) -> int:
        if path.startswith(HOOKS):
            return MAX_HOOK_BYTES
        return min(MAX_USAGE_BYTES, self.max_body_bytes) if path == USAGE else self.max_body_bytes

    async def _read(self, receive: Receive, at_most: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                break
            part = message.get("body", b"")
            size += len(part)
            if size <= at_most:
                parts.append(part)
            if not message.get("more_body", False) or size > _MAX_DRAINED_BYTES:
                break
        if size > at_most:
            raise BodyTooLarge(f"A request may have at most {at_most // 1024**2} MB here; split this one into smaller parts.")
        return b"".join(parts)


def _check_address(scope: Scope) -> None:
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise RequestInvalid("The address holds the character NUL, which nothing here can have.")


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def check_json(body: bytes) -> None:
    """Refuse a JSON body that no part of Playkeeper could keep.

    Raises:
        BodyUnreadable: it is no JSON in UTF-8, nested deeper than `MAX_DEPTH`, or holds a number or character that cannot be stored.
    """
    try:
        tree: Json = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise BodyUnreadable(f"The body is not UTF-8 (byte {error.start}); send it in UTF-8.") from None
    except json.JSONDecodeError as error:
        raise BodyUnreadable(f"The body is no JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from None
    except RecursionError:
        raise BodyUnreadable(f"The body is nested too deeply; at most {MAX_DEPTH} levels are read.") from None
    except ValueError:
        raise BodyUnreadable("The body holds a number with too many digits.") from None
    for depth, leaf in _leaves(tree):
        if depth > MAX_DEPTH:
            raise BodyUnreadable(f"The body is nested too deeply; at most {MAX_DEPTH} levels are read.")
        _check_leaf(leaf)


def _refuse_constant(word: str) -> Never:
    raise BodyUnreadable(f"{word} is no JSON number.")


def _leaves(tree: Json) -> Iterator[tuple[int, Json]]:
    """Give every name and value with its depth, without recursion."""
    waiting: list[tuple[int, Json]] = [(1, tree)]
    while waiting:
        depth, node = waiting.pop()
        if isinstance(node, dict):
            yield from ((depth, name) for name in node)
            waiting.extend((depth + 1, value) for value in node.values())
        elif isinstance(node, list):
            yield depth, None
            waiting.extend((depth + 1, value) for value in node)
        else:
            yield depth, node


def _check_leaf(leaf: Json) -> None:
    if isinstance(leaf, str):
        if "\0" in leaf:
            raise BodyUnreadable("A text in the body holds the character NUL, which cannot be stored; leave it out.")
        try:
            leaf.encode()
        except UnicodeEncodeError:
            raise BodyUnreadable("A text in the body holds half a character (a lone surrogate); leave it out.") from None
    elif isinstance(leaf, float) and not math.isfinite(leaf):
        raise BodyUnreadable("A number in the body is too large.")
    elif isinstance(leaf, int) and abs(leaf) > MAX_INTEGER:
        raise BodyUnreadable("A number in the body is too large; send long numbers as text.")
