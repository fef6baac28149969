"""The night: features and scores of every account, stage by stage."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from temporalio import activity

from activities.failures import as_activity_failure
from activities.scoring.beating import beating
from activities.scoring.contracts import SCORING_BATCH, NightBatch, NightProgress, Stage
from activities.scoring.pages import StagePage, work_off
from storage.session import Database

Service: TypeAlias = Callable[..., Awaitable[object]]


class Night:
    """The activity of a night, with what it works with."""

    def __init__(self, database: Database, stages: Mapping[Stage, StagePage]) -> None:
        """Work off accounts of this database, each stage by its own page."""
        self._database, self._stages = database, stages

    def all(self) -> list[Service]:
        """Give the activity."""
        return [self.batch]

    @activity.defn(name=SCORING_BATCH)
    async def batch(self, call: NightBatch) -> NightProgress:
        """Work off accounts for a while. A page that was done before is done again with the same result."""
        with as_activity_failure():
            async with beating(call.stage):
                return await work_off(self._stages[call.stage], self._database, call)
