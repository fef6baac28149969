"""The product's own services for plays: facts, records, questions, locks and sub-plays."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from temporalio import activity

from activities import inbox, subplays
from activities.contracts import (
    ASK,
    CONTROL_PLAY,
    LOAD_FACTS,
    LOCK,
    PREPARE_PLAY,
    RECORD,
    UPDATE_ASK,
    UPDATE_TASK,
    AskCall,
    AskResult,
    AskUpdate,
    FactsCall,
    LoadedFacts,
    LockCall,
    LockResult,
    PlayCall,
    PlayControl,
    PlayStarted,
    RunRecord,
    TaskUpdate,
)
from activities.failures import NotFound, as_activity_failure
from activities.news import hand_on_locks
from activities.outlet import Plays
from storage.loaded import load_for_play
from storage.repositories.locks import ask_for_lock, give_back_all, give_back_lock
from storage.repositories.records import RunState, StepState, record_run
from storage.session import Database

Service: TypeAlias = Callable[..., Awaitable[object]]


class Services:
    """The services as methods, each registered under the name the contracts give it."""

    def __init__(self, database: Database, plays: Plays) -> None:
        """Use this database, and tell these plays."""
        self._database = database
        self._plays = plays

    def all(self) -> list[Service]:
        """Give all of them."""
        return [
            self.load_facts,
            self.record,
            self.ask,
            self.update_ask,
            self.update_task,
            self.lock,
            self.prepare_play,
            self.control_play,
        ]

    @activity.defn(name=LOAD_FACTS)
    async def load_facts(self, call: FactsCall) -> LoadedFacts:
        """Read the account's facts as they are now."""
        with as_activity_failure():
            async with self._database.begin(call.run.tenant) as session:
                loaded = await load_for_play(session, call.run.account)
            if loaded is None:
                raise NotFound(f'there is no account "{call.run.account}"')
            return LoadedFacts.model_validate(loaded)

    @activity.defn(name=RECORD)
    async def record(self, record: RunRecord) -> None:
        """Write the state of a play where lists read it."""
        with as_activity_failure():
            async with self._database.begin(record.run.tenant) as session:
                written = await record_run(session, _state(record, activity.info().workflow_id or ""), _steps(record))
                if written and record.state == "closed":
                    # It gave its locks back itself, unless it could not.
                    await hand_on_locks(session, await give_back_all(session, record.run.account, record.run.run_id))

    @activity.defn(name=ASK)
    async def ask(self, call: AskCall) -> AskResult:
        """Put items into inboxes."""
        with as_activity_failure():
            return await inbox.ask(self._database, call)

    @activity.defn(name=UPDATE_ASK)
    async def update_ask(self, call: AskUpdate) -> None:
        """Remind of inbox items, or close them."""
        with as_activity_failure():
            await inbox.update_ask(self._database, call)

    @activity.defn(name=UPDATE_TASK)
    async def update_task(self, call: TaskUpdate) -> None:
        """Tell of an overdue task, or reassign it."""
        with as_activity_failure():
            await inbox.update_task(self._database, call)

    @activity.defn(name=LOCK)
    async def lock(self, call: LockCall) -> LockResult:
        """Take or give back a named lock of the account."""
        run = call.run
        with as_activity_failure():
            async with self._database.begin(run.tenant) as session:
                if call.do == "acquire":
                    granted = await ask_for_lock(session, run.account, call.name, run.run_id, call.key, call.priority)
                    return LockResult(granted=granted)
                holder = await give_back_lock(session, run.account, call.name, run.run_id, call.key)
                await hand_on_locks(session, [holder] if holder else [])
                return LockResult(granted=False)

    @activity.defn(name=PREPARE_PLAY)
    async def prepare_play(self, call: PlayCall) -> PlayStarted:
        """Write a sub-play down and give what starts it."""
        with as_activity_failure():
            return await subplays.prepare_play(self._database, call)

    @activity.defn(name=CONTROL_PLAY)
    async def control_play(self, call: PlayControl) -> None:
        """Cancel or undo a sub-play."""
        with as_activity_failure():
            await subplays.control_play(self._database, self._plays, call)


def _state(record: RunRecord, workflow_id: str) -> RunState:
    run = record.run
    return RunState(
        id=run.run_id,
        chain=run.chain,
        workflow_id=workflow_id,
        account=run.account,
        playbook=run.playbook,
        version=run.version,
        launch=run.launch,
        state=record.state,
        sequence=record.sequence,
        at=record.at,
        progress=record.progress,
        outcome=record.outcome,
        error=record.error,
        saved=record.saved,
    )


def _steps(record: RunRecord) -> list[StepState]:
    return [
        StepState(
            key=step.key,
            title=step.title,
            kind=step.kind,
            status=step.status,
            detail=step.detail,
            error=step.error,
            output=step.output,
            started_at=step.started_at,
            ended_at=step.ended_at,
        )
        for step in record.steps
    ]
