"""JSON over HTTP, for vendors without an SDK worth having: every status, break and odd answer is one of the four errors."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import httpx

from connectors.errors import Unavailable, error_for_status
from connectors.requests_made import note_request

JsonObject: TypeAlias = dict[str, Any]
"""An object of a vendor's API as plain JSON."""


class Rest:
    """One vendor's API."""

    def __init__(self, vendor: str, url: str, *, headers: Mapping[str, str], timeout_s: float) -> None:
        """Prepare; nothing is called yet. `vendor` is what messages call it."""
        self._vendor = vendor
        self._http = httpx.AsyncClient(base_url=url, headers=dict(headers), timeout=timeout_s, trust_env=False)

    async def close(self) -> None:
        """Let the kept connections go."""
        await self._http.aclose()

    async def get(self, path: str, **query: str | int) -> JsonObject:
        """Read something."""
        return self._object(await self._asked("GET", path, params=query))

    async def post(self, path: str, body: JsonObject, **headers: str) -> JsonObject:
        """Make something."""
        return self._object(await self._asked("POST", path, json=body, headers=headers))

    async def patch(self, path: str, body: JsonObject, **query: str) -> JsonObject:
        """Change something."""
        return self._object(await self._asked("PATCH", path, json=body, params=query))

    async def delete(self, path: str) -> bool:
        """Delete something; False when it is not there."""
        answer = await self._sent("DELETE", path)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        self._check(answer)
        return True

    async def find(self, path: str, **query: str | int) -> JsonObject | None:
        """Read something that may not be there."""
        answer = await self._sent("GET", path, params=query)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        self._check(answer)
        return self._object(answer)

    async def _asked(self, method: str, path: str, **particulars: Any) -> httpx.Response:  # what httpx takes
        answer = await self._sent(method, path, **particulars)
        self._check(answer)
        return answer

    async def _sent(self, method: str, path: str, **particulars: Any) -> httpx.Response:  # what httpx takes
        note_request()
        try:
            return await self._http.request(method, path, **particulars)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unavailable(f"{self._vendor} cannot be reached") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"{self._vendor} did not finish its answer: {type(error).__name__}", maybe_done=True) from error

    def _check(self, answer: httpx.Response) -> None:
        if answer.status_code < httpx.codes.BAD_REQUEST:
            return
        error = error_for_status(answer.status_code, f"{self._vendor}: {_said(answer)}", retry_after=answer.headers.get("retry-after"))
        if error is not None:
            raise error

    def _object(self, answer: httpx.Response) -> JsonObject:
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unavailable(f"{self._vendor}'s answer is not one of its API", maybe_done=True)
        return found


def _said(answer: httpx.Response) -> str:
    """Give what a refusal says, short; vendors put it under one of a few names."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    told = body.get("message") or body.get("error") or body.get("detail") if isinstance(body, dict) else None
    text = told.get("message") if isinstance(told, dict) else told
    return str(text or f"status {answer.status_code}")[:300]
