"""Lets in who waits for room, and begins their plays. Everybody who made room says so here; the relay looks as well."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from api.plays import PlayGone, Plays
from api.problems import Problem
from api.services.starting import begin_all
from storage.enrollment.admission import admit, list_in_the_way, list_waiting_playbooks
from storage.enrollment.plays import Started
from storage.session import Database
from workflows.messages import Command

_BY: Final = "playkeeper"


async def admit_all(database: Database, plays: Plays, tenant: str) -> None:
    """Let in who may enter now, in every playbook for which somebody waits."""
    async with database.begin(tenant) as session:
        waiting = await list_waiting_playbooks(session, datetime.now(UTC))
    for slug in waiting:
        await admit_playbook(database, plays, tenant, slug)


async def admit_playbook(database: Database, plays: Plays, tenant: str, slug: str) -> int:
    """Let in who may enter a playbook now; give how many plays began."""
    await _make_way(database, plays, tenant, slug)
    async with database.begin(tenant) as session:
        started = await admit(session, slug, datetime.now(UTC))
    await begin_all(database, plays, tenant, [one.run.id for one in started])
    return len(started)


async def begin_launched(database: Database, plays: Plays, tenant: str, slug: str, started: Sequence[Started]) -> None:
    """Begin the plays that a launch wrote down, and then those for which there is room."""
    await begin_all(database, plays, tenant, [one.run.id for one in started])
    await admit_playbook(database, plays, tenant, slug)


async def _make_way(database: Database, plays: Plays, tenant: str, slug: str) -> None:
    """Cancel the plays that a restart waits for. Asking a play twice changes nothing: the enrollment's id is the request's."""
    async with database.begin(tenant) as session:
        in_the_way = await list_in_the_way(session, slug)
    for enrollment_id, workflow_id in in_the_way:
        command = Command(do="cancel", request_id=f"restart:{enrollment_id}", by=_BY, reason="it begins anew")
        try:
            await plays.command(workflow_id, command)
        except (PlayGone, Problem):
            # It has ended, or is ending, or nobody answers just now: the next look shows.
            continue
