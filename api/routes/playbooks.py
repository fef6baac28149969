"""Playbooks: check a text, keep it, publish it, look at its versions."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response, status

from api.deps import DatabaseDep, SessionDep
from api.openapi import may_fail
from api.paging import After, Limit, PageOf
from api.problems import MediaTypeUnknown, PlaybookNotFound, PlaybookRefused
from api.schemas.playbooks import Checked, PlaybookOut, VersionDetails, VersionOut, VersionSaved
from api.security import Publisher, Viewer
from api.services import publishing
from api.services.compiling import TEXT_BODY, TextDep, compile_text, diagnostics_out, new_version
from storage.repositories.playbooks import (
    find_playbook,
    find_version,
    list_playbooks,
    list_versions,
    plan_of,
    save_draft,
)
from storage.session import Session
from storage.tables import PlaybookVersion

router = APIRouter(prefix="/v1/playbooks", tags=["playbooks"])

Slug = Annotated[str, Path(max_length=63, description="The playbook's slug.", examples=["at-risk-save"])]
Number = Annotated[int, Path(ge=1, le=1_000_000, description="The version's number.", examples=[3])]


@router.post("/check", summary="Check a text", openapi_extra=TEXT_BODY, responses=may_fail(MediaTypeUnknown, body=True))
async def check_playbook(text: TextDep, user: Viewer, database: DatabaseDep) -> Checked:
    """Everything the compiler finds, with line and column; nothing is kept. A text with errors is a 200 with `ok: false`."""
    compiled = await compile_text(database, user.tenant, text)
    return Checked(
        ok=compiled.plan is not None,
        playbook=compiled.plan.playbook if compiled.plan else None,
        digest=compiled.plan.digest() if compiled.plan else None,
        undo_coverage=str(compiled.coverage) if compiled.coverage else None,
        diagnostics=diagnostics_out(compiled),
    )


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Keep a text as draft, or publish it",
    openapi_extra=TEXT_BODY,
    responses={
        200: {"model": VersionSaved, "description": "The same text was kept already."},
        **may_fail(PlaybookRefused, MediaTypeUnknown, body=True),
    },
)
async def save_playbook(
    text: TextDep,
    response: Response,
    user: Publisher,
    database: DatabaseDep,
    publish: Annotated[bool, Query(description="Whether new plays follow this version from now on.")] = False,
) -> VersionSaved:
    """A text with errors is refused with the compiler's diagnostics. A draft that is there already is replaced.

    Plays under way keep the version they began with.
    """
    compiled = await compile_text(database, user.tenant, text)
    new = new_version(compiled, text, user.name)
    async with database.begin(user.tenant) as session:
        known = await find_version(session, new.plan.playbook)
        if publish and known is not None and known.source == new.source and known.digest == new.digest:
            response.status_code = status.HTTP_200_OK
            return VersionSaved.model_validate(known.model_dump() | {"warnings": diagnostics_out(compiled)})
        version = await save_draft(session, new)
        existing = await publishing.publish(session, version, user.name) if publish else None
        await session.refresh(version)
        return VersionSaved.model_validate(version.model_dump() | {"warnings": diagnostics_out(compiled), "existing": existing})


@router.get("", summary="List playbooks", responses=may_fail())
async def list_all_playbooks(user: Viewer, session: SessionDep, after: After = None, limit: Limit = 50) -> PageOf[PlaybookOut]:
    """By slug."""
    page = await list_playbooks(session, after=after, limit=limit)
    return PageOf(items=[PlaybookOut.model_validate(playbook.model_dump()) for playbook in page.items], next=page.next)


@router.get("/{slug}", summary="Look at the published version", responses=may_fail(PlaybookNotFound))
async def get_playbook(slug: Slug, user: Viewer, session: SessionDep) -> VersionDetails:
    """The version that new plays follow: its text, its plan, and the form a start asks for.

    Of a playbook that is not published it is the newest version there is.
    """
    version = await find_version(session, slug)
    if version is None:
        newest = (await list_versions(session, slug, limit=1)).items
        version = newest[0] if newest else None
    return _details(_existing(version, slug))


@router.get("/{slug}/versions", summary="List the versions of a playbook", responses=may_fail(PlaybookNotFound))
async def list_all_versions(slug: Slug, user: Viewer, session: SessionDep, after: After = None, limit: Limit = 50) -> PageOf[VersionOut]:
    """The newest first."""
    await _must_exist(session, slug)
    page = await list_versions(session, slug, after=after, limit=limit)
    return PageOf(items=[VersionOut.model_validate(version.model_dump()) for version in page.items], next=page.next)


@router.get("/{slug}/versions/{number}", summary="Look at a version", responses=may_fail(PlaybookNotFound))
async def get_version(slug: Slug, number: Number, user: Viewer, session: SessionDep) -> VersionDetails:
    """A version with its text and its plan."""
    return _details(_existing(await find_version(session, slug, number), slug, number))


@router.post("/{slug}/versions/{number}/publish", summary="Publish a version", responses=may_fail(PlaybookNotFound))
async def publish(slug: Slug, number: Number, user: Publisher, session: SessionDep) -> VersionOut:
    """New plays follow this version from now on, also an archived one: this is how to go back. Publishing it twice changes nothing.

    `existing` says how many accounts are in its audience already and what becomes of them.
    """
    await find_playbook(session, slug, lock=True)
    version = _existing(await find_version(session, slug, number), slug, number)
    existing = await publishing.publish(session, version, user.name)
    await session.refresh(version)
    return VersionOut.model_validate(version.model_dump() | {"existing": existing})


@router.post("/{slug}/archive", summary="Archive a playbook", responses=may_fail(PlaybookNotFound))
async def archive(slug: Slug, user: Publisher, session: SessionDep) -> PlaybookOut:
    """No new play can start. Plays under way go on."""
    await _must_exist(session, slug)
    await publishing.archive(session, slug, user.name)
    playbook = await find_playbook(session, slug)
    await session.refresh(playbook)
    return PlaybookOut.model_validate(playbook.model_dump() if playbook else {})


async def _must_exist(session: Session, slug: str) -> None:
    if await find_playbook(session, slug) is None:
        raise PlaybookNotFound(f'There is no playbook "{slug}"; GET /v1/playbooks lists them.')


def _existing(version: PlaybookVersion | None, slug: str, number: int | None = None) -> PlaybookVersion:
    if version is None:
        which = f" with a version {number}" if number is not None else ""
        raise PlaybookNotFound(f'There is no playbook "{slug}"{which}; GET /v1/playbooks lists them.')
    return version


def _details(version: PlaybookVersion) -> VersionDetails:
    inputs = [field.model_dump(mode="json", by_alias=True, exclude_none=True) for field in plan_of(version).inputs]
    return VersionDetails.model_validate(version.model_dump() | {"inputs": inputs})
