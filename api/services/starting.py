"""Starts plays so that none is lost and none begins twice.

The enrollment and the row of the play are written first, in state `starting`, with everything a start needs; then Temporal is asked.
Whatever dies in between, the row says what is to be done, and asking Temporal again for the same id changes nothing. `relay` looks for
rows left over.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy import select
from sqlmodel import col

from activities.contracts import INTERPRETER, RunInput, RunRef
from api.forms import check_form
from api.plays import Plays
from api.problems import AccountNotFound, EnrollmentRefused, InputsRefused, PlaybookNotFound, PlaybookNotPublished
from api.services.facts import loaded_facts
from api.services.references import unknown_references
from enrollment.deciding import BY_HAND
from enrollment.states import Reason
from playbook_dsl.plan import Plan
from playbook_dsl.values import Json
from storage.enrollment.entering import Came, Coming, Entry, enter
from storage.enrollment.published import Published, find_published
from storage.enrollment_tables import Enrollment
from storage.repositories.playbooks import find_playbook
from storage.repositories.runs import find_run, start_of
from storage.session import Database, Session
from storage.tables import Run

log = structlog.get_logger()

_AT_ONCE = 20


async def startable_version(session: Session, slug: str, number: int | None = None) -> Published:
    """Give the version that a start means: the published one, or the one of this number.

    Raises:
        PlaybookNotFound: there is no such playbook, or no such version of it.
        PlaybookNotPublished: it has no published version.
    """
    if await find_playbook(session, slug) is None:
        raise PlaybookNotFound(f'There is no playbook "{slug}"; publish it first.')
    version = await find_published(session, slug, number)
    if version is not None:
        return version
    if number is not None:
        raise PlaybookNotFound(f'The playbook "{slug}" has no version {number}.')
    raise PlaybookNotPublished(f'The playbook "{slug}" has no published version; publish one first.')


async def checked_inputs(session: Session, plan: Plan, given: Mapping[str, Json]) -> dict[str, Json]:
    """Check inputs against the playbook's form, and that the people, contacts and accounts they name exist.

    Raises:
        InputsRefused: with each field that is wrong.
    """
    values, wrong = check_form(plan.inputs, given, "#/inputs")
    wrong += await unknown_references(session, plan.inputs, values, "#/inputs")
    if wrong:
        raise InputsRefused(f'The inputs do not fit the form of "{plan.playbook}"; correct the fields listed under errors.', errors=wrong)
    return values


async def start_by_hand(
    session: Session, playbook: Published, account: str, inputs: Mapping[str, Json], *, by: str, key: str | None
) -> tuple[Run, bool]:
    """Write down the play of an account that a person picked; False with the play that is there already when it is the same enrollment.

    Raises:
        AccountNotFound: there is no such account.
        EnrollmentRefused: a rule of the playbook that holds for people too says no.
    """
    entry = Entry(trigger="manual", now=datetime.now(UTC), by=by, inputs=inputs, ignore=BY_HAND, key=key)
    entered = await enter(session, playbook, entry, [Coming(account)])
    (came,) = entered.came
    if entered.started:
        return entered.started[0].run, True
    if came.decision.reason is Reason.UNKNOWN:
        raise unknown_account(account)
    there = await _play_there(session, playbook.slug, came)
    if there is None:
        raise refused(playbook.slug, came)
    return there, False


async def _play_there(session: Session, slug: str, came: Came) -> Run | None:
    """Give the play that is the same enrollment: the one under way, or the one that was once begun with this key."""
    if came.decision.reason not in (Reason.ALREADY_ACTIVE, Reason.ALREADY_WAITING, Reason.ENTERED_BEFORE, Reason.PLAY, Reason.RESTART):
        return None
    mine = (col(Enrollment.playbook) == slug, col(Enrollment.account) == came.account, col(Enrollment.key) == came.key)
    query = select(col(Enrollment.run)).where(*mine, col(Enrollment.run).is_not(None)).order_by(col(Enrollment.created_at).desc()).limit(1)
    run_id = (await session.execute(query)).scalar_one_or_none()
    return await find_run(session, run_id) if run_id else None


def unknown_account(account: str) -> AccountNotFound:
    """Give the problem of an account that does not exist."""
    return AccountNotFound(f'There is no account "{account}"; import it first, or correct the id.')


def refused(slug: str, came: Came) -> EnrollmentRefused:
    """Give the problem of an account that the rules do not let in."""
    return EnrollmentRefused(f'{came.account} does not enter "{slug}": it {came.decision.detail}.', reason=str(came.decision.reason))


async def begin(database: Database, plays: Plays, tenant: str, run_id: str) -> None:
    """Ask Temporal to begin a play whose row says `starting`. Safe to repeat.

    Raises:
        TemporalAway: the row stays as it is and `relay` asks again.
    """
    async with database.begin(tenant) as session:
        run = await find_run(session, run_id)
        if run is None or run.state != "starting":
            return
        play = await run_input(session, run)
        workflow_id = run.workflow_id
    await plays.start(workflow_id, play)


async def begin_all(database: Database, plays: Plays, tenant: str, run_ids: Sequence[str]) -> None:
    """Begin plays, twenty at once. What fails is left for the relay; one that cannot start does not keep the others."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(run_id: str) -> None:
        async with free:
            try:
                await begin(database, plays, tenant, run_id)
            except Exception as error:  # one that cannot begin must not keep the others
                log.warning("play not started yet", run=run_id, reason=type(error).__name__)

    await asyncio.gather(*(one(run_id) for run_id in run_ids))


async def run_input(session: Session, run: Run) -> RunInput:
    """Put together everything a play needs from its row, its version and the account's facts of now."""
    version = await find_published(session, run.playbook, run.version)
    if version is None:
        raise PlaybookNotFound(f'The playbook "{run.playbook}" has no version {run.version} any more.')
    start = start_of(session, run)
    start = start if isinstance(start, dict) else {}
    ref = RunRef(
        tenant=session.tenant,
        run_id=run.id,
        chain=run.chain,
        playbook=run.playbook,
        version=run.version,
        account=run.account,
        launch=run.launch,
    )
    return RunInput.model_validate(
        {
            **start,
            "run": ref,
            "plan": version.plan,
            "loaded": await loaded_facts(session, run.account),
            "owner": run.owner,
            "interpreter": INTERPRETER,
        }
    )
