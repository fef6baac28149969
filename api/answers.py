"""The one place where errors become HTTP: `application/problem+json` (RFC 9457)."""

import socket
from collections.abc import Sequence

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api.media import is_json
from api.problems import (
    MEDIA_TYPE,
    ActorMissing,
    BodyTooLarge,
    BodyUnreadable,
    DatabaseAway,
    FieldProblem,
    MediaTypeUnknown,
    MethodNotAllowed,
    Problem,
    RequestInvalid,
    RoleMissing,
    RouteNotFound,
)
from storage.pages import BadCursor

log = structlog.get_logger()


def problem_response(problem: Problem, path: str) -> Response:
    """Give the HTTP answer for a problem at this path."""
    content: dict[str, object] = {
        "type": f"/problems/{problem.code}",
        "code": problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
        "errors": [error.model_dump(exclude_none=True) for error in problem.errors],
        **problem.extra,
    }
    headers = dict(problem.headers)
    if problem.status in {429, 503}:
        headers.setdefault("Retry-After", "3")
    return JSONResponse(content, status_code=problem.status, headers=headers, media_type=MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Have every error of the application answered as a problem."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(BadCursor, _answer_bad_cursor)
    app.add_exception_handler(DBAPIError, answer_database_error)
    app.add_exception_handler(OSError, answer_database_error)
    app.add_exception_handler(Exception, _answer_unexpected)


async def _answer_problem(request: Request, error: Exception) -> Response:
    problem = error if isinstance(error, Problem) else Problem()
    return problem_response(problem, request.url.path)


async def _answer_validation(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if any(item["loc"] == ("body",) for item in found) and not is_json(request.headers):
        return problem_response(MediaTypeUnknown(), request.url.path)
    errors = [FieldProblem(pointer=_pointer(item["loc"]), detail=str(item["msg"]), code=str(item["type"])) for item in found[:100]]
    return problem_response(RequestInvalid(errors=errors), request.url.path)


def _pointer(where: Sequence[object]) -> str:
    root, *rest = [str(part) for part in where] or ["body"]
    path = "/".join(part.replace("~", "~0").replace("/", "~1") for part in rest)
    match root:
        case "body":
            return f"#/{path}" if path else "#"
        case "query":
            return f"?{path}"
        case _:
            return f"{root}/{path}"


_OF_STATUS: dict[int, type[Problem]] = {
    400: BodyUnreadable,
    401: ActorMissing,
    403: RoleMissing,
    404: RouteNotFound,
    405: MethodNotAllowed,
    413: BodyTooLarge,
    415: MediaTypeUnknown,
}


async def _answer_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return await _answer_unexpected(request, error)
    kind = _OF_STATUS.get(error.status_code, RequestInvalid if error.status_code < 500 else Problem)
    return problem_response(kind(headers=error.headers), request.url.path)


async def _answer_bad_cursor(request: Request, error: Exception) -> Response:
    wrong = FieldProblem(pointer="?after", detail="is not a cursor that this list gave; leave it out for the first page", code="bad_cursor")
    return problem_response(RequestInvalid(errors=[wrong]), request.url.path)


# Classes of SQLSTATE: connection lost, out of connections, and shutting down or starting up.
_AWAY_STATES = {"08", "53", "57"}


async def answer_database_error(request: Request, error: Exception) -> Response:
    """A connection that is gone is PostgreSQL being away; a value it cannot keep is the request's fault; the rest is ours."""
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror):  # asyncpg gives a refused connection as it is
        return _away(request, error)
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        if error.connection_invalidated or state[:2] in _AWAY_STATES or isinstance(error, OperationalError):
            return _away(request, error)
        if state.startswith("22") or isinstance(error.orig and error.orig.__cause__, ValueError):
            log.warning("value refused by the database", path=request.url.path, error=type(error.orig).__name__)
            return problem_response(
                RequestInvalid("A value of the request cannot be stored; check long numbers and texts."), request.url.path
            )
    return await _answer_unexpected(request, error)


def _away(request: Request, error: Exception) -> Response:
    log.warning("database away", path=request.url.path, error=type(error).__name__)
    return problem_response(DatabaseAway(), request.url.path)


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, method=request.method, error=type(error).__name__, exc_info=error)
    return problem_response(Problem(), request.url.path)
