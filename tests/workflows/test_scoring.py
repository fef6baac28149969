from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.contracts import Contract
from activities.failures import ActionProblem
from activities.scoring import pages
from activities.scoring.contracts import NIGHT, BackfillInput, NightInput, NightOutcome, Stage
from activities.scoring.night import Night
from activities.scoring.pages import Page, StagePage
from storage.session import Database
from workflows import scoring
from workflows.client import Address, connect
from workflows.messages import SCORING_BACKFILL, SCORING_NIGHT
from workflows.scoring import ScoringBackfill, ScoringNight

pytestmark = pytest.mark.servers

AS_OF = datetime(2026, 11, 25, 2, tzinfo=UTC)
ACCOUNTS = [f"A-{number:03d}" for number in range(25)]


class Stages:
    """Pages that write down what they were asked for."""

    def __init__(self, size: int = 10) -> None:
        self.seen: list[tuple[Stage, datetime, str]] = []
        self._size = size

    def all(self) -> Mapping[Stage, StagePage]:
        stages: tuple[Stage, ...] = (*NIGHT, "history")
        return {stage: self._page(stage) for stage in stages}

    def _page(self, stage: Stage) -> StagePage:
        async def page(database: Database, tenant: str, as_of: datetime, after: str, limit: int) -> Page:
            found = [account for account in ACCOUNTS if account > after][: self._size]
            self.seen += [(stage, as_of, account) for account in found]
            return Page(len(found), found[-1] if found else "", len(found) == self._size)

        return page


async def connected(address: str) -> Client:
    return await connect(Address(address), cipher=None, wait_s=10, say=lambda line: None)


async def worked(client: Client, database: Database, stages: Mapping[Stage, StagePage], kind: str, given: Contract) -> NightOutcome:
    queue = uuid.uuid4().hex
    night = Night(database, stages).all()
    async with Worker(client, task_queue=queue, workflows=[ScoringNight, ScoringBackfill], activities=night):
        outcome: NightOutcome = await client.execute_workflow(kind, given, id=queue, task_queue=queue, result_type=NightOutcome)
    return outcome


@pytest.mark.parametrize("renewed", [False, True])
async def test_every_account_comes_once_a_stage_whatever_the_histories(
    renewed: bool, temporal_address: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "BATCH_S", 0.0)
    if renewed:
        monkeypatch.setattr(scoring, "_FRESH_HISTORY_EVENTS", 10)
    stages = Stages()

    outcome = await worked(await connected(temporal_address), database, stages.all(), SCORING_NIGHT, NightInput(tenant="acme", as_of=AS_OF))

    assert outcome == NightOutcome(accounts=25, as_of=AS_OF)
    assert stages.seen == [(stage, AS_OF, account) for stage in NIGHT for account in ACCOUNTS]


async def test_the_past_is_kept_month_by_month(temporal_address: str, database: Database) -> None:
    stages = Stages(size=30)

    outcome = await worked(
        await connected(temporal_address), database, stages.all(), SCORING_BACKFILL, BackfillInput(tenant="acme", months=3)
    )

    moments = sorted({as_of for _, as_of, _ in stages.seen})
    assert [(at.day, at.hour, at.minute) for at in moments] == [(1, 0, 0)] * 3
    assert outcome.accounts == 3 * 25
    assert {stage for stage, _, _ in stages.seen} == {"history"}


async def test_what_cannot_be_done_fails_with_its_sentence(temporal_address: str, database: Database) -> None:
    async def broken(*_: object) -> Page:
        raise ActionProblem("the scorecard names a fact that is gone")

    with pytest.raises(WorkflowFailureError) as failed:
        await worked(await connected(temporal_address), database, {"features": broken}, SCORING_NIGHT, NightInput(tenant="acme"))

    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.message == "the scorecard names a fact that is gone [ActionProblem]"
