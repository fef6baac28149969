"""Looks at the accounts of a launch: the activities behind sweeps and large lists."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from temporalio import activity

from activities.contracts import (
    LAUNCH_END,
    LAUNCH_ENTER,
    LAUNCH_GATHER,
    LaunchEnd,
    LaunchEnter,
    LaunchGather,
    LaunchInput,
    LaunchParts,
    LaunchProgress,
    LoadedFacts,
    RunInput,
    RunRef,
)
from activities.failures import ActionProblem, as_activity_failure
from activities.outlet import Beginner
from enrollment.launches import Course
from storage.enrollment.admission import admit
from storage.enrollment.audience import AudienceUnusable, gather_audience
from storage.enrollment.entering import Coming, Entered, Entry, enter
from storage.enrollment.launching import begun_as, held_back, lock_launch
from storage.enrollment.plays import Started
from storage.enrollment.published import Published, find_published
from storage.enrollment.sweeping import Part, add_counts, end_launch, parts_of, take_page
from storage.enrollment_tables import Launch
from storage.session import Database, Session

PAGE_ACCOUNTS: Final = 200
"""Accounts that are decided about in one transaction; their plays begin before the next page, so that nobody waits long."""
BATCH_S: Final = 10.0
"""A batch ends after this, so that the history shows how a launch gets on and a stopping worker need not wait long."""
PARTS: Final = 2
STARTS_AT_ONCE: Final = 10
SWEEP_RANK: Final = 3
_STOPPED: Final = frozenset({"cancelled", "failed"})

Service: TypeAlias = Callable[..., Awaitable[object]]


class CannotLaunch(ActionProblem):
    """A launch of a playbook that nobody can enter, or whose audience cannot be asked."""


class _Stopped(Exception):
    """Somebody paused or cancelled the launch while a page of it was decided about: the page is taken back."""


class Sweeping:
    """The activities, with what they work with."""

    def __init__(self, database: Database, plays: Beginner) -> None:
        """Let accounts of this database in, and begin their plays here."""
        self._database, self._plays = database, plays

    def all(self) -> list[Service]:
        """Give all of them."""
        return [self.gather, self.enter, self.end]

    @activity.defn(name=LAUNCH_GATHER)
    async def gather(self, call: LaunchGather) -> LaunchParts:
        """Make the launch and write down whom it looks at; what was written down before is left as it is."""
        with as_activity_failure():
            async with self._database.begin(call.input.tenant) as session:
                launch = await lock_launch(session, call.launch)
                if launch is None:
                    launch = await self._make(session, call)
                if launch.expected is None:
                    playbook = await find_published(session, launch.playbook, launch.version)
                    source = playbook.rules.enroll.audience if playbook else None
                    try:
                        launch.expected = await gather_audience(session, launch.id, source, datetime.now(UTC))
                    except AudienceUnusable as error:
                        raise CannotLaunch(str(error)) from None
                return LaunchParts(
                    expected=launch.expected, parts=tuple((part.first, part.last) for part in parts_of(launch.expected, PARTS))
                )

    async def _make(self, session: Session, call: LaunchGather) -> Launch:
        given = call.input
        playbook = await find_published(session, given.playbook)
        if playbook is None:
            raise CannotLaunch(f'the playbook "{given.playbook}" has no published version')
        launch = Launch(
            tenant=session.tenant,
            id=call.launch,
            playbook=playbook.slug,
            version=playbook.version,
            kind="dry_run" if given.dry else given.kind,
            trigger_id=given.trigger_id,
            started_by=given.by,
            started_at=datetime.now(UTC),
            **({} if given.dry else begun_as(Course.of(playbook.rules.enroll), datetime.now(UTC))),
        )
        session.add(launch)
        await session.flush()
        return launch

    @activity.defn(name=LAUNCH_ENTER)
    async def enter(self, call: LaunchEnter) -> LaunchProgress:
        """Look at pages of a part for a while."""
        with as_activity_failure():
            ends_at = time.monotonic() + BATCH_S
            while True:
                try:
                    progress, started = await self._page(call)
                except _Stopped:
                    # The next look says how; nothing of the page was kept.
                    continue
                await self._begin_all(call.input.tenant, started)
                if progress.paused or not progress.more or time.monotonic() >= ends_at:
                    return progress
                activity.heartbeat(progress.accounts)

    async def _page(self, call: LaunchEnter) -> tuple[LaunchProgress, list[Started]]:
        """Decide about the next page, in one transaction with the list of those that are left."""
        part = Part(*call.part)
        async with self._database.begin(call.input.tenant) as session:
            launch = await session.get(Launch, (session.tenant, call.launch))
            if launch is None or launch.status in _STOPPED:
                return LaunchProgress(), []
            if launch.status == "paused":
                return LaunchProgress(accounts=launch.accounts, more=True, paused=True), []
            playbook = await find_published(session, launch.playbook, launch.version)
            accounts = await take_page(session, launch.id, part, PAGE_ACCOUNTS)
            if not accounts or playbook is None:
                return LaunchProgress(accounts=launch.accounts), []
            entered = await self._decide(session, playbook, launch, call.input, accounts)
            now = await add_counts(session, launch.id, len(accounts), entered.counts())
            if now is None or now.status in _STOPPED or now.status == "paused":
                raise _Stopped
            looked_at = now.accounts
        started = [] if call.input.dry else [*entered.started, *await self._admit(call.input.tenant, playbook)]
        return LaunchProgress(accounts=looked_at, started=len(started), more=True), started

    async def _decide(self, session: Session, playbook: Published, launch: Launch, given: LaunchInput, accounts: Sequence[str]) -> Entered:
        entry = Entry(
            trigger="schedule" if launch.trigger_id else "manual",
            now=datetime.now(UTC),
            trigger_id=launch.trigger_id,
            by=launch.started_by or "schedule",
            launch=launch.id,
            rank=SWEEP_RANK,
            held_back=held_back(session.tenant, playbook, launch),
        )
        comings = [Coming(account) for account in accounts]
        if not given.dry:
            return await enter(session, playbook, entry, comings)
        taken_back = await session.begin_nested()
        entered = await enter(session, playbook, entry, comings)
        await taken_back.rollback()
        return entered

    async def _admit(self, tenant: str, playbook: Published) -> list[Started]:
        """Let in whom there is room for, after the transaction that let them queue."""
        if not playbook.rules.limited:
            return []
        async with self._database.begin(tenant) as session:
            return await admit(session, playbook.slug, datetime.now(UTC))

    async def _begin_all(self, tenant: str, started: Sequence[Started]) -> None:
        """Begin plays, some at once. What fails stays written down, and the relay begins it."""
        free = asyncio.Semaphore(STARTS_AT_ONCE)

        async def one(play: Started) -> None:
            async with free:
                await self._plays.begin(play.run.workflow_id, run_input_of(tenant, play))

        await asyncio.gather(*(one(play) for play in started))

    @activity.defn(name=LAUNCH_END)
    async def end(self, call: LaunchEnd) -> None:
        """Close the launch."""
        with as_activity_failure():
            async with self._database.begin(call.input.tenant) as session:
                status = "failed" if call.error else "done"
                await end_launch(session, call.launch, datetime.now(UTC), status=status, why=call.error or "")


def run_input_of(tenant: str, play: Started) -> RunInput:
    """Put together everything a play needs from what its enrollment read."""
    run = play.run
    ref = RunRef(
        tenant=tenant,
        run_id=run.id,
        chain=run.chain,
        playbook=run.playbook,
        version=run.version,
        account=run.account,
        launch=run.launch,
    )
    start = play.start if isinstance(play.start, dict) else {}
    return RunInput.model_validate(
        {**start, "run": ref, "plan": play.playbook.plan, "loaded": LoadedFacts.model_validate(play.loaded), "owner": run.owner}
    )
