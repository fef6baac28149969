"""Scorecards: check a text, keep it, publish it, look at its versions, try it on the past."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response, status

from api.card_problems import BacktestNotPossible, ScorecardNotFound, ScorecardRefused
from api.deps import DatabaseDep, SessionDep
from api.openapi import may_fail
from api.paging import After, Limit, PageOf
from api.problems import MediaTypeUnknown
from api.schemas.scorecards import (
    EXAMPLE,
    BacktestOut,
    LintOut,
    ScorecardChecked,
    ScorecardDetails,
    ScorecardOut,
    ScorecardPublished,
    ScorecardSaved,
)
from api.security import Publisher, Viewer
from api.services.card_effects import tell_effect
from api.services.card_trials import lint, try_card
from api.services.compiling import TextDep, text_body
from api.services.scorecards import archive_card, compile_card, existing_card, findings_out, new_card, publish_card
from storage.repositories.scorecards import card_of, find_scorecard, list_newest_scorecards, list_scorecard_versions, save_scorecard

router = APIRouter(prefix="/v1/scorecards", tags=["scorecards"])

Name = Annotated[str, Path(max_length=63, description="The scorecard's name.", examples=["default"])]
Number = Annotated[int, Path(ge=1, le=1_000_000, description="The version's number.", examples=[3])]
CARD_BODY = text_body(EXAMPLE, "default.yaml")


@router.post("/check", summary="Check a text", openapi_extra=CARD_BODY, responses=may_fail(MediaTypeUnknown, body=True))
async def check_scorecard(text: TextDep, user: Viewer, database: DatabaseDep) -> ScorecardChecked:
    """Everything the compiler finds, with line and column; nothing is kept. A text with errors is a 200 with `ok: false`."""
    compiled = await compile_card(database, user.tenant, text)
    card = compiled.card
    return ScorecardChecked(
        ok=card is not None,
        scorecard=card.name if card else None,
        digest=card.digest() if card else None,
        diagnostics=findings_out(compiled),
    )


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Keep a text as draft, or publish it",
    openapi_extra=CARD_BODY,
    responses={
        200: {"model": ScorecardSaved, "description": "The same text is published already."},
        **may_fail(ScorecardRefused, MediaTypeUnknown, body=True),
    },
)
async def save_card(
    text: TextDep,
    response: Response,
    user: Publisher,
    database: DatabaseDep,
    publish: Annotated[bool, Query(description="Whether accounts are scored by this version from the next night on.")] = False,
) -> ScorecardSaved:
    """A text with errors is refused with the compiler's diagnostics. A draft that is there already is replaced."""
    compiled = await compile_card(database, user.tenant, text)
    new = new_card(compiled, text, user.name)
    async with database.begin(user.tenant) as session:
        known = await find_scorecard(session, new.card.name)
        if publish and known is not None and known.source == new.source and known.digest == new.card.digest():
            response.status_code = status.HTTP_200_OK
            return ScorecardSaved.model_validate(known.model_dump() | {"warnings": findings_out(compiled)})
        row = await save_scorecard(session, new)
        if publish:
            await publish_card(session, row, user)
        more = {"warnings": findings_out(compiled), "effect": await tell_effect(session, new.card)}
        return ScorecardSaved.model_validate(row.model_dump() | more)


Months = Annotated[int, Query(ge=1, le=36, description="How far back, from the last day of which the outcome is known.", examples=[12])]


@router.post(
    "/backtest",
    summary="Try a text on the past",
    openapi_extra=CARD_BODY,
    responses=may_fail(ScorecardRefused, BacktestNotPossible, MediaTypeUnknown, body=True),
)
async def backtest_text(text: TextDep, user: Viewer, database: DatabaseDep, months: Months = 12) -> BacktestOut:
    """What it would have said of accounts whose end is known. Nothing is kept."""
    card = new_card(await compile_card(database, user.tenant, text), text, user.name).card
    return await try_card(database, user.tenant, card, months)


@router.post(
    "/lint",
    summary="Look for what is hardly meant in a text",
    openapi_extra=CARD_BODY,
    responses=may_fail(ScorecardRefused, MediaTypeUnknown, body=True),
)
async def lint_text(text: TextDep, user: Viewer, database: DatabaseDep) -> LintOut:
    """Bands that no published playbook reaches, measures that are missing, weights that never matter. Nothing is kept."""
    card = new_card(await compile_card(database, user.tenant, text), text, user.name).card
    async with database.begin(user.tenant) as session:
        return await lint(session, card)


@router.get("", summary="List scorecards", responses=may_fail())
async def list_all_scorecards(user: Viewer, session: SessionDep, after: After = None, limit: Limit = 50) -> PageOf[ScorecardOut]:
    """Of each the published version, or else the newest, by name: the order in which they are asked whether an account is theirs."""
    page = await list_newest_scorecards(session, after=after, limit=limit)
    return PageOf(items=[ScorecardOut.model_validate(row.model_dump()) for row in page.items], next=page.next)


@router.get("/{name}", summary="Look at the published version", responses=may_fail(ScorecardNotFound))
async def get_scorecard(name: Name, user: Viewer, session: SessionDep) -> ScorecardDetails:
    """Its text and what came of it. Of a scorecard that is not published it is the newest version there is."""
    return ScorecardDetails.model_validate((await existing_card(session, name)).model_dump())


@router.get("/{name}/backtest", summary="Try the published version on the past", responses=may_fail(ScorecardNotFound, BacktestNotPossible))
async def backtest_one(name: Name, user: Viewer, database: DatabaseDep, months: Months = 12) -> BacktestOut:
    """What it would have said of accounts whose end is known: from the nightly snapshots, as they were known then."""
    async with database.begin(user.tenant) as session:
        card = card_of(await existing_card(session, name))
    return await try_card(database, user.tenant, card, months)


@router.get("/{name}/lint", summary="Look for what is hardly meant", responses=may_fail(ScorecardNotFound))
async def lint_one(name: Name, user: Viewer, session: SessionDep) -> LintOut:
    """Bands that no published playbook reaches, measures that are missing for most accounts, weights that never matter."""
    return await lint(session, card_of(await existing_card(session, name)))


@router.get("/{name}/versions", summary="List the versions of a scorecard", responses=may_fail(ScorecardNotFound))
async def list_all_versions(name: Name, user: Viewer, session: SessionDep, after: After = None, limit: Limit = 50) -> PageOf[ScorecardOut]:
    """The newest first."""
    await existing_card(session, name)
    page = await list_scorecard_versions(session, name, after=after, limit=limit)
    return PageOf(items=[ScorecardOut.model_validate(row.model_dump()) for row in page.items], next=page.next)


@router.get("/{name}/versions/{number}", summary="Look at a version", responses=may_fail(ScorecardNotFound))
async def get_version(name: Name, number: Number, user: Viewer, session: SessionDep) -> ScorecardDetails:
    """A version with its text and its card."""
    return ScorecardDetails.model_validate((await existing_card(session, name, number)).model_dump())


@router.post("/{name}/versions/{number}/publish", summary="Publish a version", responses=may_fail(ScorecardNotFound))
async def publish(name: Name, number: Number, user: Publisher, session: SessionDep) -> ScorecardPublished:
    """Accounts are scored by this version from the next night on, also an archived one: this is how to go back."""
    row = await existing_card(session, name, number)
    await publish_card(session, row, user)
    return ScorecardPublished.model_validate(row.model_dump() | {"effect": await tell_effect(session, card_of(row))})


@router.post("/{name}/archive", summary="Archive a scorecard", responses=may_fail(ScorecardNotFound))
async def archive(name: Name, user: Publisher, session: SessionDep) -> ScorecardOut:
    """No account is scored by it any more. Without any published scorecard the one that comes with the product is taken."""
    return ScorecardOut.model_validate((await archive_card(session, name, user)).model_dump())
