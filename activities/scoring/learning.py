"""Trains models and decides which one scores: the activities of a training.

Each reads the panel anew from snapshots that do not change, so that nothing large goes through a history and any of them may be killed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version as installed
from typing import TypeAlias

from temporalio import activity

from activities.failures import ActionProblem, as_activity_failure
from activities.scoring.beating import beating
from activities.scoring.contracts import (
    SCORING_COMPARE,
    SCORING_EXTRACT,
    SCORING_FIT,
    SCORING_PROMOTE,
    Compare,
    Compared,
    Extracted,
    Fitted,
    Promote,
    TargetName,
    Training,
)
from activities.scoring.data import read_panel
from activities.scoring.judging import judge
from scoring.features.definitions import FEATURE_SET
from scoring.models.files import Manifest, save, sha256_of
from scoring.models.model import Model
from scoring.models.splits import cases_of, time_split
from scoring.models.train import FEWEST_CASES, algorithm_for, data_sha256, train
from scoring.monitor import permutation_importance
from scoring.panel import Panel
from storage.ids import new_id
from storage.repositories.models import add_model, find_trained, next_version, promote, set_verdict
from storage.repositories.training import count_late
from storage.scoring_tables import ScoringModel
from storage.session import Database, Session
from storage.tables import Audit

Service: TypeAlias = Callable[..., Awaitable[object]]


class CannotTrain(ActionProblem):
    """Data from which no honest model can come."""


class Learning:
    """The activities, with what they work with."""

    def __init__(self, database: Database) -> None:
        """Train on this database."""
        self._database = database

    def all(self) -> list[Service]:
        """Give all of them."""
        return [self.extract, self.fit, self.compare, self.promote]

    @activity.defn(name=SCORING_EXTRACT)
    async def extract(self, call: Training) -> Extracted:
        """Look what there is to learn from."""
        with as_activity_failure():
            async with beating("extract"):
                async with self._database.begin(call.input.tenant) as session:
                    late = await count_late(session, FEATURE_SET, call.until)
                if late:
                    raise CannotTrain(f"{late} snapshots rest on what was seen or learned after their moment; delete them and backfill")
                panel = await self._panel(call)
                return await asyncio.to_thread(_extracted, panel, call.input.target)

    @activity.defn(name=SCORING_FIT)
    async def fit(self, call: Training) -> Fitted:
        """Train a model and write it down in shadow; one that this training made before is found again."""
        with as_activity_failure():
            async with beating("fit"):
                async with self._database.begin(call.input.tenant) as session:
                    known = await find_trained(session, call.input.target, call.training)
                if known is not None:
                    return Fitted(version=known.version, algorithm=known.algorithm)
                panel = await self._panel(call)
                made = await asyncio.to_thread(_made, panel, call.input.target)
                async with self._database.begin(call.input.tenant) as session:
                    return await _written(session, call, made)

    @activity.defn(name=SCORING_COMPARE)
    async def compare(self, call: Compare) -> Compared:
        """Hold a model against the gates and the champion, and write its card."""
        with as_activity_failure():
            async with beating("compare"):
                target = call.training.input.target
                judged = await judge(self._database, call, await self._panel(call.training))
                status = "rejected" if judged.answer.verdict == "reject" else "shadow"
                async with self._database.begin(call.training.input.tenant) as session:
                    await set_verdict(session, target, call.version, status=status, gates=judged.gates, card=judged.card)
                    await _note(session, call.training, "model.trained", call.version, judged.answer.why)
                return judged.answer

    @activity.defn(name=SCORING_PROMOTE)
    async def promote(self, call: Promote) -> None:
        """Let a model score from now on."""
        with as_activity_failure():
            async with self._database.begin(call.training.input.tenant) as session:
                before = await promote(session, call.training.input.target, call.version, datetime.now(UTC))
                why = "it passes every gate" + (f"; before it {call.training.input.target}-{before} scored" if before else "")
                await _note(session, call.training, "model.promote", call.version, why)

    async def _panel(self, call: Training) -> Panel:
        return await read_panel(self._database, call.input.tenant, call.input.target, call.until)


def _extracted(panel: Panel, target: TargetName) -> Extracted:
    positives = int(panel.labels.sum())
    accounts = len(set(panel.accounts.tolist()))
    cutoffs = tuple(sorted({day.item() for day in panel.as_of}))
    return Extracted(
        rows=len(panel),
        accounts=accounts,
        positives=positives,
        cutoffs=cutoffs,
        data_sha256=data_sha256(panel),
        why=_missing(panel, target),
    )


def _missing(panel: Panel, target: TargetName) -> str | None:
    if not len(panel):
        return "No month has features of which it is known what became of them; a model needs about eight months of observations."
    cases = cases_of(panel, time_split(panel).learning)
    if algorithm_for(cases) is None:
        return f"{cases} accounts to learn {target} from are cases, and a model needs {FEWEST_CASES}; the scorecard goes on scoring."
    return None


@dataclass(frozen=True)
class _Made:
    """A model with everything its file says of it but its version."""

    model: Model
    manifest: Manifest


def _made(panel: Panel, target: TargetName) -> _Made:
    trained = train(panel, target)
    if trained.model is None or trained.metrics is None:
        raise CannotTrain(trained.why)
    importances = permutation_importance(trained.model, panel.rows(trained.split.test))
    manifest = Manifest(
        version=0,
        code_version=installed("playkeeper"),
        data_sha256=trained.data_sha256,
        metrics=trained.metrics.as_json(),
        importances=importances,
        split=trained.split.as_json(panel.as_of),
    )
    return _Made(trained.model, manifest)


async def _written(session: Session, call: Training, made: _Made) -> Fitted:
    target = call.input.target
    version = await next_version(session, target)
    manifest = replace(made.manifest, version=version)
    file = await asyncio.to_thread(save, made.model, manifest)
    row = ScoringModel(
        target=target,
        version=version,
        training=call.training,
        algorithm=made.model.algorithm,
        feature_set=made.model.schema,
        file=file,
        sha256=sha256_of(file),
        libraries=dict(manifest.libraries),
        code_version=manifest.code_version,
        data_sha256=manifest.data_sha256,
        metrics=manifest.metrics,
        by=call.input.by,
    )
    await add_model(session, row)
    return Fitted(version=version, algorithm=made.model.algorithm)


async def _note(session: Session, call: Training, what: str, version: int, why: str) -> None:
    subject = f"{call.input.target}-{version}"
    who = call.input.by or "schedule"
    kept: dict[str, object] = {"because": why}
    session.add(Audit(tenant=session.tenant, id=new_id(), who=who, what=what, subject_kind="model", subject_id=subject, details=kept))
    await session.flush()
