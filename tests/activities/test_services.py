"""What plays ask of the product itself: records, locks, sub-plays; and that every action of the catalog can be performed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy import select
from sqlmodel import col
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import contracts
from activities.catalog import ACTIONS, load_catalog, param_of
from activities.contracts import (
    FactsCall,
    LockCall,
    LockResult,
    PlayCall,
    PlayControl,
    RunInput,
    RunRecord,
    RunRef,
    StepRecord,
)
from activities.registry import build_activities
from activities.scoring import contracts as scoring_contracts
from activities.services import Services
from playbook_dsl.plan import FormField, Plan
from storage.repositories.deliveries import list_due_deliveries, news_of
from storage.repositories.playbooks import NewVersion, publish_version, save_draft
from storage.repositories.runs import add_run, find_run, list_steps, output_of, saved_of
from storage.session import Database
from storage.tables import AccountLock, Run
from tests.activities.acting import TENANT, NoPlays, dependencies, make_account, run_of

pytestmark = pytest.mark.servers

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@dataclass
class Told(NoPlays):
    """Plays that remember what they were told. `ended`: they have ended."""

    ended: bool = False
    started: list[tuple[str, RunInput]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def start(self, workflow_id: str, play: RunInput) -> None:
        self.started.append((workflow_id, play))

    async def cancel(self, workflow_id: str, request_id: str) -> bool:
        self.asked.append(("cancel", workflow_id))
        return not self.ended

    async def undo(self, workflow_id: str, request_id: str, *, force: bool, parent: str | None) -> bool:
        self.asked.append(("undo", workflow_id))
        return not self.ended


async def write_run(database: Database, run: RunRef, *, state: str = "running") -> None:
    async with database.begin(TENANT) as session:
        row = Run(
            id=run.run_id, chain=run.chain, workflow_id=f"w-{run.run_id}", account=run.account, playbook="demo", version=1, state=state
        )
        await add_run(session, row, start={})


async def publish(database: Database, plan: Plan) -> None:
    async with database.begin(TENANT) as session:
        await publish_version(session, await save_draft(session, NewVersion("text", plan, plan.digest(), "tests")))


def record(run: RunRef, sequence: int, state: str = "running", **keys: object) -> RunRecord:
    return RunRecord.model_validate({"run": run, "state": state, "at": NOW, "sequence": sequence, "progress": f"p{sequence}", **keys})


async def test_a_play_and_its_steps_are_written_down_and_a_late_record_changes_nothing(database: Database) -> None:
    services, run = Services(database, NoPlays()), run_of(await make_account(database))
    step = StepRecord(key="call", title="Call", kind="action", status="running", started_at=NOW)
    done = step.model_copy(update={"status": "done", "output": {"a": 1}, "ended_at": NOW})
    other = StepRecord(key="mail", title="Mail", kind="action", status="failed", error={"code": "Rejected", "message": "no"})
    records = [record(run, 1, steps=(step,)), record(run, 3, "held", steps=(done, other)), record(run, 2, steps=(step,))]
    records.append(record(run, 4, "closed", outcome="failed", saved={"x": "canary"}, error={"code": "Rejected"}))
    for one in records:
        await ActivityEnvironment().run(services.record, one)
    async with database.begin(TENANT) as session:
        row = await find_run(session, run.run_id)
        assert row is not None
        steps = await list_steps(session, run.run_id)
        outputs = [output_of(session, one) for one in steps]
        saved = saved_of(session, row)

    assert (row.state, row.outcome, row.progress, row.ended_at, saved) == ("closed", "failed", "p4", NOW, {"x": "canary"})
    assert [(one.key, one.status) for one in steps] == [("call", "done"), ("mail", "failed")]
    assert outputs == [{"a": 1}, None]


async def test_what_a_play_saved_is_not_readable_in_the_table(database: Database, owner_url: str) -> None:
    services, run = Services(database, NoPlays()), run_of(await make_account(database))
    step = StepRecord(key="call", title="Call", kind="action", status="done", output={"note": "canary-output"})
    await ActivityEnvironment().run(services.record, record(run, 1, "closed", saved={"x": "canary-saved"}, steps=(step,)))

    connection = await asyncpg.connect(owner_url)
    rows = [*await connection.fetch("SELECT * FROM run"), *await connection.fetch("SELECT * FROM step")]
    await connection.close()

    assert rows
    assert not [
        row for row in rows if any(b"canary" in (value if isinstance(value, bytes) else str(value).encode()) for value in row.values())
    ]


async def test_facts_of_an_account_that_is_gone_are_an_error_that_is_not_tried_again(database: Database) -> None:
    with pytest.raises(ApplicationError) as caught:
        await ActivityEnvironment().run(Services(database, NoPlays()).load_facts, FactsCall(run=run_of("none")))

    assert (caught.value.type, caught.value.non_retryable) == ("NotFound", True)


async def test_a_lock_goes_to_the_most_urgent_and_then_to_the_oldest(database: Database) -> None:
    services = Services(database, NoPlays())
    first = run_of(await make_account(database))
    runs = [first, *(run_of(first.account) for _ in range(3))]
    for run in runs:
        await write_run(database, run)

    async def lock(run: RunRef, do: str, priority: int = 0) -> bool:
        call = LockCall.model_validate({"run": run, "key": "k", "name": "billing", "do": do, "priority": priority})
        result: LockResult = await ActivityEnvironment().run(services.lock, call)
        return result.granted

    granted = [
        await lock(runs[0], "acquire"),
        await lock(runs[1], "acquire"),
        await lock(runs[2], "acquire", 5),
        await lock(runs[3], "acquire"),
    ]
    again = await lock(runs[0], "acquire")
    order = []
    for holder in (0, 2, 1):
        await lock(runs[holder], "release")
        async with database.begin(TENANT) as session:
            query = select(col(AccountLock.run)).where(col(AccountLock.account) == first.account, col(AccountLock.granted))
            order.append((await session.execute(query)).scalar_one())
    async with database.begin(TENANT) as session:
        told = [news_of(session, row) for row in await list_due_deliveries(session)]

    assert granted == [True, False, False, False]
    assert again
    assert order == [runs[2].run_id, runs[1].run_id, runs[3].run_id]
    assert len(told) == 3
    assert all(isinstance(news, dict) and news["kind"] == "lock_granted" and news["key"] == "k" for news in told)


async def test_a_lock_held_by_a_play_that_was_ended_by_force_is_free(database: Database) -> None:
    services, run = Services(database, NoPlays()), run_of(await make_account(database))
    other = run_of(run.account)
    await write_run(database, run)
    await write_run(database, other)
    call = LockCall(run=run, key="k", name="billing", do="acquire")
    await ActivityEnvironment().run(services.lock, call)
    await ActivityEnvironment().run(services.record, record(run, 1, "closed", outcome="cancelled"))

    assert (await ActivityEnvironment().run(services.lock, call.model_copy(update={"run": other}))).granted


async def test_a_sub_play_is_prepared_once_with_the_published_version(database: Database) -> None:
    services, run = Services(database, NoPlays()), run_of(await make_account(database))
    await publish(database, Plan(playbook="sponsor", title="Find a sponsor"))
    call = PlayCall(run=run, key="find", playbook="sponsor", inputs={"who": "vera"}, parent="w-parent")
    first = await ActivityEnvironment().run(services.prepare_play, call)
    again = await ActivityEnvironment().run(services.prepare_play, call)

    assert first.workflow_id == again.workflow_id
    assert first.input.run == again.input.run
    assert (first.input.plan.title, first.input.inputs, first.input.parent, first.input.parent_key) == (
        "Find a sponsor",
        {"who": "vera"},
        "w-parent",
        "find",
    )
    assert (first.input.trigger.kind, first.input.owner) == ("play", "maria")
    with pytest.raises(ApplicationError, match="no published version"):
        await ActivityEnvironment().run(services.prepare_play, call.model_copy(update={"playbook": "none", "key": "other"}))


async def test_a_sub_play_that_has_ended_is_taken_up_again_to_be_undone(database: Database) -> None:
    plays = Told(ended=True)
    services, run = Services(database, plays), run_of(await make_account(database))
    await publish(database, Plan(playbook="sponsor", title="Find a sponsor"))
    call = PlayCall(run=run, key="find", playbook="sponsor", parent="w-parent")
    made = await ActivityEnvironment().run(services.prepare_play, call)
    await ActivityEnvironment().run(services.record, record(made.input.run, 1, "closed", outcome="completed", saved={"undo": [1]}))
    undo = PlayControl(run=run, key="find", workflow_id=made.workflow_id, do="undo", parent="w-parent:again1")
    await ActivityEnvironment().run(services.control_play, undo)
    await ActivityEnvironment().run(services.record, record(plays.started[0][1].run, 1, "closed", outcome="undo_incomplete", saved={}))
    await ActivityEnvironment().run(services.control_play, undo)

    workflow_id, play = plays.started[0]
    assert workflow_id == f"{made.workflow_id}:again1"
    assert (play.mode, play.state, play.parent, play.parent_key) == ("undo", {"undo": [1]}, "w-parent:again1", "find")
    assert [workflow_id for workflow_id, _ in plays.started[1:]] == [f"{made.workflow_id}:again2"]
    assert plays.asked == [("undo", made.workflow_id), ("undo", f"{made.workflow_id}:again1")]


async def test_every_action_of_the_catalog_can_be_performed_and_every_service_is_there(database: Database) -> None:
    names = []
    for one in build_activities(dependencies(database)):
        definition = activity._Definition.from_callable(one)
        assert definition is not None
        names.append(definition.name)
    services = {
        value
        for name, value in {**vars(contracts), **vars(scoring_contracts)}.items()
        if name.isupper() and (value == "undo" or str(value).startswith(("play.", "sync.", "launch.", "scoring.", "health.")))
    }

    assert len(names) == len(set(names))
    assert set(names) == set(ACTIONS) | services


async def test_the_catalog_of_a_tenant_names_its_people_and_playbooks(database: Database) -> None:
    await make_account(database)
    await publish(
        database, Plan(playbook="sponsor", title="S", inputs=(FormField(name="who", type="list", item="person", required=False),))
    )
    async with database.begin(TENANT) as session:
        catalog = await load_catalog(session)

    assert {"maria", "vera", "tom@acme.example"} <= catalog.people.people
    assert "zoe" not in catalog.people.people
    assert set(catalog.people.roles) == {"csm", "vp_cs"}
    assert set(catalog.people.teams) == {"emea-cs"}
    assert str(catalog.playbooks["sponsor"].inputs["who"].type) == "list of text"
    assert param_of(FormField(name="n", type="integer", minimum=1)).minimum == 1
