"""Tenants whose accounts can be scored: snapshots, champions, endpoints."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import text

from activities.connections import Connections
from activities.scoring.links import Model
from activities.scoring.serving import Serving
from connectors.sagemaker.vendor import SAGEMAKER
from scoring.anchors import level_of, score_of
from scoring.features.definitions import FEATURE_SET, FEATURES
from scoring.panel import FeatureValue
from scoring.predictions import Factor, Prediction
from storage.repositories.connections import save_connection
from storage.scoring_tables import FeatureSnapshot, ScoringModel
from storage.session import Database
from tests.database import TENANT

Loose: TypeAlias = Any
GOOD_FILE = b"a model"
BASE_RATE = 0.05


OTHERS = [each.name for each in FEATURES if each.family in ("support", "engagement", "billing")]


class LoginsModel:
    """Says a fifth where logins fell, else a hundredth."""

    def __init__(self, slow_s: float = 0.0) -> None:
        self.slow_s = slow_s
        self.calls = 0
        self.breaks: Exception | None = None

    def predictions(
        self, rows: Sequence[Mapping[str, FeatureValue]], accounts: Sequence[str], as_of: Sequence[datetime], scored_at: datetime
    ) -> list[Prediction]:
        self.calls += 1
        if self.breaks is not None:
            raise self.breaks
        time.sleep(self.slow_s)
        return [self._one(*each, scored_at) for each in zip(rows, accounts, as_of, strict=True)]

    def _one(self, row: Mapping[str, FeatureValue], account: str, as_of: datetime, scored_at: datetime) -> Prediction:
        trend = row.get("logins_trend")
        fell = isinstance(trend, float) and trend < 0
        probability = 0.2 if fell else 0.01
        factors = (Factor("logins_trend", "usage", "logins fell", 1.0, 9.0, trend, 0.0),) if fell else ()
        score = score_of(probability, BASE_RATE)
        return Prediction(
            account, "churn", probability, score, level_of(score), factors, "champion", "churn-1", as_of, scored_at, 0.9, False, BASE_RATE
        )


def loads(model: Model, *, slow_s: float = 0.0) -> Callable[[bytes, str], Model]:
    """A loader that knows one good file."""

    def load(file: bytes, sha256: str) -> Model:
        time.sleep(slow_s)
        if file != GOOD_FILE:
            raise ValueError("secret of the file")
        return model

    return load


async def put_features(
    database: Database, account: str, *, age: timedelta = timedelta(hours=3), sparse: bool = False, **values: Loose
) -> datetime:
    """Keep a snapshot; unless it is `sparse`, enough others are known for a model."""
    if not sparse:
        values = {name: 1.0 for name in OTHERS} | values
    as_of = datetime.now(UTC) - age
    async with database.begin(TENANT) as session:
        await session.execute(
            text("SELECT playkeeper_month_partition('account_feature_snapshot', CAST(:day AS date))"), {"day": as_of.date()}
        )
        session.add(FeatureSnapshot(tenant=TENANT, account=account, as_of=as_of, feature_set=FEATURE_SET, values=values, created_at=as_of))
    return as_of


async def put_champion(database: Database, file: bytes = GOOD_FILE, *, version: int = 1, target: str = "churn", sha256: str = "") -> None:
    """Let this file score; the one before retires."""
    async with database.begin(TENANT) as session:
        await session.execute(text("UPDATE scoring_model SET status = 'retired' WHERE target = :target"), {"target": target})
        row = ScoringModel(
            tenant=TENANT,
            target=target,
            version=version,
            training=uuid.uuid4().hex,
            status="champion",
            algorithm="hgb",
            feature_set=FEATURE_SET,
            file=file,
            sha256=sha256 or uuid.uuid4().hex,
            metrics={"base_rate": BASE_RATE},
            trained_at=datetime.now(UTC),
        )
        session.add(row)


async def no_champion(database: Database) -> None:
    async with database.begin(TENANT) as session:
        await session.execute(text("DELETE FROM scoring_model"))


async def connect(database: Database, **changed: str) -> None:
    async with database.begin(TENANT) as session:
        await save_connection(session, "sagemaker", {**SAGEMAKER.sandbox, **changed}, account="scores", saved_by="tests")


async def disconnect(database: Database) -> None:
    async with database.begin(TENANT) as session:
        await session.execute(text("DELETE FROM connection"))
        await session.execute(text("DELETE FROM vendor_limit"))


class Watch:
    """The moment, which tests move on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def serving_of(database: Database, url: str | None = None, *, model: Model | None = None, slow_s: float = 0.0, **keys: Loose) -> Serving:
    return Serving(database, Connections(database, url), load=loads(model or LoginsModel(), slow_s=slow_s), **keys)


async def rows_of(database: Database, statement: str, **parameters: object) -> list[tuple[Loose, ...]]:
    async with database.begin(TENANT) as session:
        return [tuple(row) for row in await session.execute(text(statement), parameters)]


async def timed(work: Loose) -> tuple[Loose, float]:
    began = asyncio.get_running_loop().time()
    return await work, asyncio.get_running_loop().time() - began
