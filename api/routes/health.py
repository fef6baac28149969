"""Whether the API lives, and whether it can do its work; and what the codes of problems mean."""

from typing import Literal

import structlog
from fastapi import APIRouter, Response, status
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError

from api.deps import DatabaseDep, PlaysDep
from api.problems import Problem, ProblemBody, RouteNotFound, all_problems

router = APIRouter(tags=["health"])
log = structlog.get_logger()


class Health(BaseModel):
    """A sign of life."""

    status: Literal["live"] = "live"


class Part(BaseModel):
    """One thing the API needs."""

    name: Literal["postgresql", "temporal"] = Field(examples=["postgresql"])
    ready: bool = Field(examples=[True])
    detail: str = Field(default="", examples=[""])


class Readiness(BaseModel):
    """Whether requests can be answered, and what is missing."""

    ready: bool = Field(examples=[True])
    parts: list[Part]


class ProblemKind(BaseModel):
    """What a code of a problem means and what to do about it."""

    code: str = Field(examples=["PLAY003"])
    status: int = Field(examples=[409])
    title: str = Field(examples=["The play has ended"])
    advice: str = Field(examples=["Undo it, or retry it from a step, or start a new one."])


@router.get("/health/live", summary="Whether the API lives")
async def live() -> Health:
    """Answers as long as the process does, whatever is away."""
    return Health()


@router.get("/health/ready", summary="Whether PostgreSQL and Temporal answer", responses={503: {"model": Readiness}})
async def ready(response: Response, database: DatabaseDep, plays: PlaysDep) -> Readiness:
    """503 with the part that is away; nothing needs to be restarted when it is back."""
    parts = [await _postgresql(database), await _temporal(plays)]
    if not all(part.ready for part in parts):
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = "3"
    return Readiness(ready=all(part.ready for part in parts), parts=parts)


async def _postgresql(database: DatabaseDep) -> Part:
    try:
        await database.ping()
    except (OSError, DBAPIError) as error:
        log.warning("not ready", part="postgresql", error=type(error).__name__)
        return Part(name="postgresql", ready=False, detail="PostgreSQL does not answer")
    return Part(name="postgresql", ready=True)


async def _temporal(plays: PlaysDep) -> Part:
    try:
        await plays.ping()
    except Problem as problem:
        return Part(name="temporal", ready=False, detail=problem.title)
    return Part(name="temporal", ready=True)


@router.get("/problems", summary="Every code a problem can have")
async def list_problems() -> list[ProblemKind]:
    """The codes are stable; programs may rely on them."""
    return [ProblemKind(code=kind.code, status=kind.status, title=kind.title, advice=kind.advice) for kind in all_problems()]


@router.get("/problems/{code}", summary="What the code of a problem means", responses={404: {"model": ProblemBody}})
async def explain_problem(code: str) -> ProblemKind:
    """The `type` of every problem is the address of this page."""
    for kind in all_problems():
        if kind.code == code.upper():
            return ProblemKind(code=kind.code, status=kind.status, title=kind.title, advice=kind.advice)
    raise RouteNotFound(f'No problem has the code "{code[:20]}"; GET /problems lists them.')
