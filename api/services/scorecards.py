"""Scorecards: compiled against the tenant's facts, kept, published."""

import asyncio

from api.card_problems import ScorecardNotFound, ScorecardRefused
from api.schemas.playbooks import DiagnosticOut
from api.security import Actor
from api.services.audit import audit
from api.services.compiling import Text
from playbook_dsl.scorecard.compiler import CompiledCard, compile_scorecard
from storage.fact_definitions import facts_of
from storage.repositories.scorecards import NewScorecard, archive_scorecard, find_scorecard, list_scorecard_versions, publish_scorecard
from storage.repositories.tenants import find_tenant
from storage.scoring_tables import Scorecard
from storage.session import Database, Session


async def compile_card(database: Database, tenant: str, text: Text) -> CompiledCard:
    """Compile a text against the tenant's facts, its own fields among them."""
    async with database.begin(tenant) as session:
        facts = facts_of(await find_tenant(session))
    path = "scorecard.yaml" if text.path == "playbook.yaml" else text.path
    return await asyncio.to_thread(compile_scorecard, text.source, facts, path=path)


def new_card(compiled: CompiledCard, text: Text, by: str) -> NewScorecard:
    """Give what is to be kept of a compiled text.

    Raises:
        ScorecardRefused: with the compiler's diagnostics.
    """
    if compiled.card is None:
        found = findings_out(compiled)
        errors = [one for one in found if one.severity == "error"]
        first = f" The first is in line {errors[0].line}: {errors[0].message}" if errors else ""
        detail = f"The scorecard has {len(errors)} error{'s' if len(errors) != 1 else ''}.{first}"
        raise ScorecardRefused(detail, extra={"diagnostics": [one.model_dump() for one in found]})
    return NewScorecard(source=text.source.decode(), card=compiled.card, by=by)


def findings_out(compiled: CompiledCard) -> list[DiagnosticOut]:
    """Give the compiler's findings."""
    return [DiagnosticOut.model_validate(finding.to_json()) for finding in compiled.diagnostics]


async def publish_card(session: Session, row: Scorecard, user: Actor) -> None:
    """Make this the version that accounts are scored by, from the next night on. Publishing it twice changes nothing."""
    if await publish_scorecard(session, row):
        await audit(session, user.name, "scorecard.publish", "scorecard", row.name, {"version": row.version})


async def archive_card(session: Session, name: str, user: Actor) -> Scorecard:
    """Let nobody be scored by a scorecard any more.

    Raises:
        ScorecardNotFound: there is none of this name.
    """
    row = await existing_card(session, name)
    await archive_scorecard(session, name)
    await audit(session, user.name, "scorecard.archive", "scorecard", name, {})
    await session.refresh(row)
    return row


async def existing_card(session: Session, name: str, version: int | None = None) -> Scorecard:
    """Give a version of a scorecard; without a number the published one, or else the newest.

    Raises:
        ScorecardNotFound: there is none.
    """
    row = await find_scorecard(session, name, version)
    if row is None and version is None:
        newest = (await list_scorecard_versions(session, name, limit=1)).items
        row = newest[0] if newest else None
    if row is None:
        which = f" with a version {version}" if version is not None else ""
        raise ScorecardNotFound(f'There is no scorecard "{name[:80]}"{which}; GET /v1/scorecards lists them.')
    return row
