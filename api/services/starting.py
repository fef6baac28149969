"""Starts plays so that none is lost and none begins twice.

The row of the play is written first, in state `starting`, with everything a start needs; then Temporal is asked. Whatever dies in
between, the row says what is to be done, and asking Temporal again for the same id changes nothing. `relay` looks for rows left over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from activities.contracts import RunInput, RunRef, TriggerInfo
from api.forms import check_form
from api.plays import Plays
from api.problems import AccountNotFound, InputsRefused, PlaybookNotFound, PlaybookNotPublished
from api.services.facts import loaded_facts
from api.services.references import unknown_references
from playbook_dsl.plan import Plan
from playbook_dsl.values import Json
from storage.ids import new_id
from storage.repositories.accounts import lock_accounts
from storage.repositories.playbooks import find_playbook, find_version, plan_of
from storage.repositories.runs import add_runs, count_runs, find_active_runs, find_run, find_runs_by_workflow, start_of
from storage.session import Database, Session
from storage.tables import Account, PlaybookVersion, Run
from workflows.messages import play_workflow_id

log = structlog.get_logger()


@dataclass(frozen=True)
class Enrollment:
    """Accounts that are to enter a playbook, with the same inputs."""

    accounts: tuple[str, ...]
    inputs: Mapping[str, Json]
    by: str
    trigger: TriggerInfo
    key: str | None = None
    launch: str | None = None


@dataclass(frozen=True)
class Enrolled:
    """What came of it: new plays, plays that were there, accounts that do not exist."""

    started: list[Run]
    existing: list[Run]
    unknown: list[str]


async def startable_version(session: Session, slug: str, number: int | None = None) -> PlaybookVersion:
    """Give the version that a start means: the published one, or the one of this number.

    Raises:
        PlaybookNotFound: there is no such playbook, or no such version of it.
        PlaybookNotPublished: it has no published version.
    """
    if await find_playbook(session, slug) is None:
        raise PlaybookNotFound(f'There is no playbook "{slug}"; publish it first.')
    version = await find_version(session, slug, number)
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


async def enroll(session: Session, version: PlaybookVersion, plan: Plan, enrollment: Enrollment) -> Enrolled:
    """Write down the plays of accounts, in a handful of statements however many there are.

    The same enrollment is the play that is there already: the same key, or without a key any play of this playbook that the account is
    in now.
    """
    # The locks make a second enrollment at the same moment wait until it can see this one.
    accounts = await lock_accounts(session, enrollment.accounts)
    wanted = [account for account in enrollment.accounts if account in accounts]
    existing, workflow_ids = await _identify(session, version.slug, wanted, enrollment.key)
    runs = [_run(version, plan, enrollment, accounts[account], workflow_ids[account]) for account in wanted if account not in existing]
    trigger = enrollment.trigger.model_dump(mode="json", exclude_defaults=True)
    await add_runs(session, runs, start={"inputs": dict(enrollment.inputs), "trigger": trigger})
    unknown = [account for account in enrollment.accounts if account not in accounts]
    return Enrolled(runs, [existing[account] for account in wanted if account in existing], unknown)


async def enroll_one(session: Session, version: PlaybookVersion, plan: Plan, enrollment: Enrollment) -> tuple[Run, bool]:
    """Write down the play of one account; False with the play that is there already when it is the same enrollment.

    Raises:
        AccountNotFound: there is no such account.
    """
    enrolled = await enroll(session, version, plan, enrollment)
    if enrolled.unknown:
        raise unknown_account(enrolled.unknown[0])
    return (enrolled.started[0], True) if enrolled.started else (enrolled.existing[0], False)


def unknown_account(account: str) -> AccountNotFound:
    """Give the problem of an account that does not exist."""
    return AccountNotFound(f'There is no account "{account}"; import it first, or correct the id.')


async def _identify(session: Session, slug: str, accounts: Sequence[str], key: str | None) -> tuple[dict[str, Run], dict[str, str]]:
    """Give the plays that are the same enrollment, by account, and the workflow id of each new one."""
    if key is not None:
        ids = {account: play_workflow_id(session.tenant, slug, account, f"k-{key}") for account in accounts}
        taken = await find_runs_by_workflow(session, list(ids.values()))
        return {account: taken[workflow_id] for account, workflow_id in ids.items() if workflow_id in taken}, ids
    existing = await find_active_runs(session, accounts, slug)
    numbers = {account: 1 for account in accounts} | {
        account: count + 1 for account, count in (await count_runs(session, accounts, slug)).items()
    }
    open_ids = [account for account in accounts if account not in existing]
    ids = {account: play_workflow_id(session.tenant, slug, account, f"e{numbers[account]}") for account in open_ids}
    return existing, ids


def _run(version: PlaybookVersion, plan: Plan, enrollment: Enrollment, account: Account, workflow_id: str) -> Run:
    run_id = new_id()
    return Run(
        id=run_id,
        chain=run_id,
        workflow_id=workflow_id,
        account=account.id,
        playbook=version.slug,
        version=version.version,
        launch=enrollment.launch,
        trigger=enrollment.trigger.kind,
        started_by=enrollment.by,
        owner=account.csm,
        title=plan.title,
        started_at=datetime.now(UTC),
    )


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


async def run_input(session: Session, run: Run) -> RunInput:
    """Put together everything a play needs from its row, its version and the account's facts of now."""
    version = await find_version(session, run.playbook, run.version)
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
            "plan": plan_of(version),
            "loaded": await loaded_facts(session, run.account),
            "owner": run.owner,
        }
    )
