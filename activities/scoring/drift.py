"""Compares a month with what the champion learned from."""

import asyncio
import hashlib
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeAlias

import numpy as np
from temporalio import activity

from activities.failures import ActionProblem, as_activity_failure
from activities.scoring.beating import beating
from activities.scoring.contracts import SCORING_DRIFT, DriftInput, DriftOutcome
from activities.scoring.data import MOST_ROWS, contracts_of, features_of, read_panel
from scoring.features.definitions import FEATURE_SET, FEATURES
from scoring.features.history import histories_of
from scoring.features.labels import Course
from scoring.features.panels import label_snapshots
from scoring.models.files import Manifest, ModelRefused, load
from scoring.models.model import Model
from scoring.models.splits import time_split
from scoring.monitor import Cohort, DriftReport, drift_report, importance_stability, matured
from scoring.observations import Observation
from scoring.panel import Flags, Panel, encode
from scoring.predictions import LEAD_DAYS, WINDOW_DAYS, Target
from storage.repositories.models import find_champion, find_predecessor, read_file, save_drift
from storage.repositories.training import Kept, Said, read_newest, read_said
from storage.scoring_tables import DriftReport as DriftRow
from storage.scoring_tables import ScoringModel
from storage.session import Database, Session

Service: TypeAlias = Callable[..., Awaitable[object]]
COHORT_DAYS: Final = 30
"""How long the time is of which matured scores are taken."""
_LEAST_MONTHS: Final = 3
"""Months that a month is compared with at least, as far as there are so many; otherwise the newest third of those learned from."""
_WINDOW: Final = timedelta(days=LEAD_DAYS + WINDOW_DAYS)


class NothingToCompare(ActionProblem):
    """A month of which there are no features, or a target without a model."""


@dataclass(frozen=True)
class _Scorer:
    """The champion, its manifest, the importances of the one before it, and when it was trained."""

    model: Model
    manifest: Manifest
    before: Manifest | None
    trained_at: datetime


class Drifting:
    """The activity, with what it works with."""

    def __init__(self, database: Database) -> None:
        """Report on this database."""
        self._database = database

    def all(self) -> list[Service]:
        """Give the activity."""
        return [self.report]

    @activity.defn(name=SCORING_DRIFT)
    async def report(self, call: DriftInput) -> DriftOutcome:
        """Compare, and keep the report; a second one of the month takes the first one's place."""
        with as_activity_failure():
            async with beating("drift"):
                if call.month is None:
                    raise NothingToCompare("no month was named")
                return await self._report(call, call.month)

    async def _report(self, call: DriftInput, month: date) -> DriftOutcome:
        async with self._database.begin(call.tenant) as session:
            scorer = await _scorer(session, call.target)
            newest = await _customers(session, await read_newest(session, FEATURE_SET, _begin(month), _begin(_next(month)), MOST_ROWS))
            said, contracts = await _said(session, call.target)
        if not newest:
            raise NothingToCompare(f"no features of customers were kept in {month:%B %Y}; drift is reported on months with nights")
        learned = await read_panel(self._database, call.tenant, call.target, scorer.trained_at)
        if not len(learned):
            raise NothingToCompare("the rows the model learned from are not kept any more; train again")
        report = await asyncio.to_thread(_compared, scorer, learned, newest, said, contracts, call.target)
        version, alarms = scorer.manifest.version, len(report.alarms)
        row = DriftRow(target=call.target, month=month, model_version=version, alarms=alarms, report=report.as_json())
        async with self._database.begin(call.tenant) as session:
            await save_drift(session, row)
        return DriftOutcome(target=call.target, alarms=alarms, words=report.words)


async def _customers(session: Session, newest: Sequence[Kept]) -> list[Kept]:
    """Leave out whom a model would not learn from either: accounts that were lost by then go on being kept, and use nothing."""
    histories = histories_of(await contracts_of(session, [each.account for each in newest], datetime.now(UTC)))
    return [each for each in newest if each.account in histories and Course(histories[each.account]).is_customer(each.as_of.timestamp())]


def _begin(month: date) -> datetime:
    return datetime.combine(month, time(), UTC)


def _next(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


async def _scorer(session: Session, target: Target) -> _Scorer:
    champion = await find_champion(session, target)
    if champion is None:
        raise NothingToCompare(f"no model for {target} scores, so there is nothing to compare with")
    before = await find_predecessor(session, target, champion.version)
    model, manifest = await _loaded(session, champion)
    return _Scorer(model, manifest, (await _loaded(session, before))[1] if before else None, champion.trained_at)


async def _loaded(session: Session, row: ScoringModel) -> tuple[Model, Manifest]:
    try:
        return await asyncio.to_thread(load, await read_file(session, row.target, row.version), row.sha256)
    except ModelRefused as error:
        raise NothingToCompare(f"{row.target}-{row.version}: {error}") from error


async def _said(session: Session, target: Target) -> tuple[list[Said], list[Observation]]:
    """Give what was said so long ago that it is known what became of it."""
    closed = datetime.now(UTC) - _WINDOW
    said = await read_said(session, target, closed - timedelta(days=COHORT_DAYS), closed, MOST_ROWS)
    return said, await contracts_of(session, [each.account for each in said], datetime.now(UTC))


def _compared(
    scorer: _Scorer, learned: Panel, newest: Sequence[Kept], said: Sequence[Said], contracts: Sequence[Observation], target: Target
) -> DriftReport:
    reference = learned.rows(reference_rows(learned))
    values, _ = encode(FEATURES, [features_of(each)[1] for each in newest], learned.levels)
    accounts = np.array([each.account for each in newest], dtype=np.str_)
    days = np.array([each.as_of.date() for each in newest], dtype="datetime64[D]")
    current = Panel(FEATURES, accounts, days, values, np.zeros(len(newest), dtype=np.bool_), learned.levels)
    stability = importance_stability(scorer.before.importances, scorer.manifest.importances) if scorer.before else None
    return drift_report(reference, current, scorer.model, cohort=_cohort(scorer, said, contracts, target), stability=stability)


def reference_rows(learned: Panel) -> Flags:
    """Choose what a month is compared with: of each account at most one of the rows that were learned from.

    Several rows of one account say nearly the same, and chance would be underrated. A hash of the account draws one of some months; who was
    no customer in it falls out, so every month counts with as many accounts as it had. The last row of each would be mostly one date, and
    of everybody who left the row just before it, which no month is like.
    """
    learning = time_split(learned).learning
    months = learned.as_of.astype("datetime64[M]")
    every = np.unique(months[learning])
    # In a feed's first months little is known of anybody: no ticket, no answer, no meeting yet. What is known later differs by that alone.
    every = every[-max(_LEAST_MONTHS, math.ceil(len(every) / 3)) :]
    drawn = {account: every[_number(account) % len(every)] for account in np.unique(learned.accounts[learning]).tolist()}
    mine = [drawn.get(account) == month for account, month in zip(learned.accounts.tolist(), months, strict=True)]
    chosen: Flags = learning & np.array(mine, dtype=np.bool_)
    return chosen


def _number(account: str) -> int:
    return int.from_bytes(hashlib.sha256(account.encode()).digest()[:8])


def _cohort(scorer: _Scorer, said: Sequence[Said], contracts: Sequence[Observation], target: Target) -> Cohort | None:
    histories = histories_of(contracts)
    now = datetime.now(UTC)
    labels, probabilities, accounts = [], [], []
    for each in said:
        history = histories.get(each.account)
        rows = label_snapshots([(each.as_of, {})], history, target, now) if history else []
        if rows:
            labels.append(rows[0].label)
            probabilities.append(each.probability)
            accounts.append(each.account)
    if not labels:
        return None
    threshold = scorer.model.threshold.value if scorer.model.threshold else 0.5
    return matured(np.array(labels, dtype=np.bool_), np.array(probabilities), np.array(accounts, dtype=np.str_), threshold=threshold)
