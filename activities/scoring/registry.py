"""The activities of scoring, made from what the worker was given."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from activities.scoring.contracts import Stage
from activities.scoring.drift import Drifting
from activities.scoring.health import health_page
from activities.scoring.learning import Learning
from activities.scoring.night import Night
from activities.scoring.overrides import Overrides
from activities.scoring.pages import StagePage
from activities.scoring.serving import Serving
from activities.scoring.snapshots import history_page, snapshot_page, tidy_page
from storage.session import Database

Service: TypeAlias = Callable[..., Awaitable[object]]


def scoring_activities(database: Database, serving: Serving) -> list[Service]:
    """Give all of them."""
    return [
        *Night(database, stages_of(serving)).all(),
        *Learning(database).all(),
        *Drifting(database).all(),
        *Overrides(database).all(),
    ]


def stages_of(serving: Serving) -> Mapping[Stage, StagePage]:
    """Give what a night does to a page of accounts, by stage."""
    return {
        "features": snapshot_page,
        "health": health_page,
        "churn": serving.stage("churn"),
        "expansion": serving.stage("expansion"),
        "tidy": tidy_page,
        "history": history_page,
    }
