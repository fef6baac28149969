"""A sweep on a real Temporal: who enters, that nobody enters twice, whatever dies in the middle."""

from __future__ import annotations

import uuid

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from activities.attempts import Attempts
from activities.contracts import LaunchInput, RunInput
from activities.sweeping import PAGE_ACCOUNTS, Sweeping
from storage.enrollment_tables import Launch
from storage.session import Database
from storage.tables import METADATA
from tests.sweeps.book import TENANT, count, fill, publish
from workflows.client import Address, connect
from workflows.messages import SWEEP
from workflows.sweep import LaunchSweep

pytestmark = pytest.mark.servers

ACTIVE = "SELECT count(*) FROM enrollment WHERE state = 'active'"
STARTING = "SELECT count(*) FROM run WHERE state = 'starting'"


class Beginner:
    """Notes which plays were begun; fails when it is told to, as a worker that dies would."""

    def __init__(self, fails_after: int | None = None) -> None:
        self.begun: list[str] = []
        self._fails_after = fails_after

    async def begin(self, workflow_id: str, play: RunInput) -> bool:
        if self._fails_after is not None and len(self.begun) >= self._fails_after:
            self._fails_after = None
            raise OSError("Temporal is away")
        self.begun.append(workflow_id)
        assert play.loaded.facts["account"]["id"] == play.run.account
        return True


@pytest.fixture(autouse=True)
async def emptied(database: Database) -> None:
    """The tests of a module share a database, and their order is drawn."""
    async with database.begin(TENANT) as session:
        for table in ("account", "enrollment", "refusal", "arm", "launch", "launch_account", "run", "playbook"):
            await session.execute(METADATA.tables[table].delete())


@pytest.fixture
async def temporal(temporal_address: str) -> Client:
    return await connect(Address(temporal_address), cipher=None, wait_s=10, say=lambda line: None)


async def sweep(temporal: Client, database: Database, plays: Beginner, *, name: str | None = None, **given: object) -> Launch:
    queue = uuid.uuid4().hex
    worker = Worker(
        temporal, task_queue=queue, workflows=[LaunchSweep], activities=Sweeping(database, plays).all(), interceptors=[Attempts()]
    )
    call = LaunchInput.model_validate({"tenant": TENANT, "playbook": "nudge", "trigger_id": "daily", **given})
    async with worker:
        await temporal.execute_workflow(SWEEP, call, id=name or f"sweep-{queue}", task_queue=queue)
    async with database.begin(TENANT) as session:
        return (await session.execute(METADATA.tables["launch"].select().order_by(METADATA.tables["launch"].c.started_at.desc()))).first()  # type: ignore[return-value]  # a row has the same names


async def test_a_sweep_lets_the_audience_in_and_a_second_one_nobody(temporal: Client, database: Database) -> None:
    await fill(database, 5000)
    await publish(database)
    plays = Beginner()
    first = await sweep(temporal, database, plays)
    second = await sweep(temporal, database, plays)

    assert (first.status, first.expected, first.accounts, first.counts) == ("done", 500, 500, {"entered": 500})
    assert (second.status, second.accounts, second.counts) == ("done", 500, {"already_active": 500})
    assert len(plays.begun) == len(set(plays.begun)) == 500
    assert await count(database, ACTIVE) == await count(database, STARTING) == 500
    assert await count(database, "SELECT count(*) FROM launch_account") == 0
    assert await count(database, "SELECT count(*) FROM run JOIN launch ON launch.id = run.launch WHERE run.trigger = 'schedule'") == 500


async def test_what_cannot_be_begun_stays_written_down_and_nobody_enters_twice(temporal: Client, database: Database) -> None:
    await fill(database, 10 * PAGE_ACCOUNTS)
    await publish(database)
    plays = Beginner(fails_after=37)
    launch = await sweep(temporal, database, plays)

    assert (launch.status, launch.counts) == ("done", {"entered": PAGE_ACCOUNTS})
    assert await count(database, ACTIVE) == await count(database, STARTING) == PAGE_ACCOUNTS
    assert len(plays.begun) == len(set(plays.begun)) < PAGE_ACCOUNTS  # the relay begins the others


async def test_limits_let_some_in_and_queue_the_others(temporal: Client, database: Database) -> None:
    await fill(database, 3000)
    await publish(database, "  limits: {at_once: 25}")
    plays = Beginner()
    launch = await sweep(temporal, database, plays)

    assert launch.counts == {"waits_for_room": 300}
    assert len(plays.begun) == await count(database, ACTIVE) == 25
    assert await count(database, "SELECT count(*) FROM enrollment WHERE state = 'queued'") == 275


async def test_a_holdout_is_written_with_the_enrollment(temporal: Client, database: Database) -> None:
    await fill(database, 4000)
    await publish(database, "  holdout: {share: 25%, stratify: [account.tier]}")
    launch = await sweep(temporal, database, Beginner())

    held = await count(database, "SELECT count(*) FROM enrollment WHERE state = 'held_out'")
    assert launch.counts == {"entered": 400 - held, "held_out": held}
    assert 60 < held < 140  # 100 expected; outside once in 100,000
    assert await count(database, "SELECT count(*) FROM arm WHERE arm = 'control'") == held
    assert await count(database, "SELECT count(*) FROM arm WHERE stratum IN ('growth', 'enterprise')") == 400


async def test_a_dry_run_says_what_would_be_and_changes_nothing(temporal: Client, database: Database) -> None:
    await fill(database, 1000)
    await publish(database, "  holdout: {share: 25%}")
    plays = Beginner()
    launch = await sweep(temporal, database, plays, dry=True)

    assert (launch.kind, launch.status, launch.accounts) == ("dry_run", "done", 100)
    assert sum(int(str(number)) for number in launch.counts.values()) == 100
    assert plays.begun == []
    for query in ("SELECT count(*) FROM enrollment", "SELECT count(*) FROM arm", "SELECT count(*) FROM run"):
        assert await count(database, query) == 0


async def test_an_audience_that_cannot_be_asked_any_more_says_which_part(temporal: Client, database: Database) -> None:
    await fill(database, 10)
    await publish(database)
    async with database.begin(TENANT) as session:
        versions = METADATA.tables["playbook_version"]
        broken = versions.c.plan.op("||")({"enroll": {"audience": "account.custom.gone > 3"}, "digest": "x"})
        await session.execute(versions.update().values(plan=broken.op("-")("digest"), digest="another"))
    with pytest.raises(Exception, match="Workflow execution failed"):
        await sweep(temporal, database, Beginner(), name=f"broken-{uuid.uuid4().hex}")
