"""The links of the chain that need something from outside: the tenant's endpoint, and its own model out of the database."""

import asyncio
import functools
import importlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol, TypeAlias, TypeVar

import structlog

from activities.connections import Connections, book_call, called
from connectors.errors import ConnectorError, RateLimited
from connectors.sagemaker.predicting import MOST_ROWS, Cell, Question
from connectors.sagemaker.vendor import SAGEMAKER
from scoring.anchors import level_of, scores_of
from scoring.features.definitions import FEATURE_SET, FEATURES
from scoring.panel import FeatureValue
from scoring.predictions import Prediction, Source, Target
from scoring.serve import Row, ScorerError, Throttled
from storage.repositories.models import read_file
from storage.scoring_tables import ScoringModel
from storage.session import Database

_LOG = structlog.get_logger("scoring")
NO_FEATURES: Final = "there are no features of the account of the last 30 days"
"""Why nobody but a scorecard can score an account."""
LEAST_COVERAGE: Final = 0.4
"""The share of the features that must be known for the model of one's own: of less it would say what is usual, and call it a score."""
TOO_FEW: Final = "too few features of the account are known"
"""How the model says so; the shares follow."""
_MOST_MODELS: Final = 64
T = TypeVar("T")


class Model(Protocol):
    """A model of a tenant's own, loaded."""

    def predictions(
        self, rows: Sequence[Mapping[str, FeatureValue]], accounts: Sequence[str], as_of: Sequence[datetime], scored_at: datetime
    ) -> Sequence[Prediction]:
        """Score accounts by their features, in their order."""
        ...


Load: TypeAlias = Callable[[bytes, str], Model]
"""Makes a model of its file and the file's digest; it may take seconds, and raises whatever is wrong with the file."""


def load_local(file: bytes, sha256: str) -> Model:
    """Load a model of `scoring.models`; scikit-learn and SciPy are imported here and not before.

    Raises:
        ScorerError: the file is refused; the message says why and what to do.
    """
    local, files = importlib.import_module("scoring.models.local"), importlib.import_module("scoring.models.files")
    try:
        model: Model = local.LocalModel.load(file, sha256, feature_set=FEATURE_SET)
    except files.ModelRefused as error:
        raise ScorerError(str(error)) from error
    return model


@dataclass(frozen=True)
class Champion:
    """The model that scores, without its file."""

    target: Target
    version: int
    sha256: str
    feature_set: str
    base_rate: float | None

    @classmethod
    def of(cls, row: ScoringModel, target: Target) -> "Champion":
        """Take what is needed of a row."""
        rate = row.metrics.get("base_rate")
        usable = isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate < 1
        return cls(target, row.version, row.sha256, row.feature_set, float(rate) if usable and isinstance(rate, int | float) else None)

    @property
    def name(self) -> str:
        """Give what its predictions call it."""
        return f"{self.target}-{self.version}"


class Models:
    """Models of this process, each loaded once; a file that was refused is not tried again.

    Loading and scoring take place in two threads of their own, so that nothing else waits behind a model.
    """

    def __init__(self, database: Database, load: Load = load_local) -> None:
        """Load from this database."""
        self._database = database
        self._load = load
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="scoring")
        self._loads: dict[tuple[str, str], asyncio.Task[Model]] = {}

    def close(self) -> None:
        """Stop; what is computed at this moment is thrown away."""
        for load in self._loads.values():
            load.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def model(self, tenant: str, champion: Champion) -> Model:
        """Give a model, loaded; who stops waiting does not stop the loading.

        Raises:
            ScorerError: its file is refused.
        """
        key = (tenant, champion.sha256)
        load = self._loads.get(key)
        if load is None or _is_worth_another_try(load):
            while len(self._loads) >= _MOST_MODELS:
                self._loads.pop(next(iter(self._loads))).cancel()
            load = self._loads[key] = asyncio.create_task(self._loaded(tenant, champion), name=f"load {champion.name}")
            load.add_done_callback(_told)
        return await asyncio.shield(load)

    async def run(self, work: Callable[[], T]) -> T:
        """Compute something in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _loaded(self, tenant: str, champion: Champion) -> Model:
        async with self._database.begin(tenant) as session:
            file = await read_file(session, champion.target, champion.version)
        try:
            return await self.run(lambda: self._warmed(file, champion))
        except ScorerError as error:
            _LOG.warning("a model is refused", tenant=tenant, model=champion.name, reason=str(error))
            raise ScorerError(f"the file of {champion.name} is refused: {error}") from error
        except Exception as error:
            # A file may say anything; its kind of trouble goes into the log, and to people goes what they can do.
            _LOG.warning("a model is refused", tenant=tenant, model=champion.name, reason=type(error).__name__)
            why = f"the file of {champion.name} is refused ({type(error).__name__}); train it anew, or go back to the model before"
            raise ScorerError(why) from error

    def _warmed(self, file: bytes, champion: Champion) -> Model:
        """Load a model and have it score nobody once: what it needs is imported and compiled then, and not while somebody waits."""
        model = self._load(file, champion.sha256)
        now = datetime.now(UTC)
        model.predictions([{}], ["nobody"], [now], now)
        return model


def _is_worth_another_try(load: "asyncio.Task[Model]") -> bool:
    """Say whether loading failed for another reason than the file: the database was away, or somebody stopped it."""
    if not load.done():
        return False
    error = None if load.cancelled() else load.exception()
    return load.cancelled() or (error is not None and not isinstance(error, ScorerError))


def _told(load: "asyncio.Task[Model]") -> None:
    if not load.cancelled():
        load.exception()


class ChampionScorer:
    """Scores with the tenant's own model."""

    source: Source = "champion"

    def __init__(self, models: Models, tenant: str, champion: Champion, scored_at: datetime) -> None:
        """Score with this model."""
        self._models = models
        self._tenant = tenant
        self._champion = champion
        self._scored_at = scored_at

    def version(self, row: Row) -> str:
        """Give the model's name."""
        return self._champion.name

    def lacks(self, row: Row) -> str | None:
        """Say that there are no features, or too few."""
        if row.features is None:
            return NO_FEATURES
        known = _coverage(row)
        return f"{TOO_FEW}: {known:.0%}, and {LEAST_COVERAGE:.0%} are needed" if known < LEAST_COVERAGE else None

    def as_of(self, row: Row) -> datetime | None:
        """Give the cutoff of the features."""
        return row.features_at

    async def ready(self) -> None:
        """Load the model."""
        if self._champion.feature_set != FEATURE_SET:
            raise ScorerError(f"{self._champion.name} was trained on another list of features; train it anew")
        await self._models.model(self._tenant, self._champion)

    async def score(self, rows: Sequence[Row]) -> Mapping[str, Prediction]:
        """Score accounts together."""
        model = await self._models.model(self._tenant, self._champion)
        moments = [row.features_at or self._scored_at for row in rows]
        work = functools.partial(
            model.predictions, [row.features or {} for row in rows], [row.account for row in rows], moments, self._scored_at
        )
        found = await self._models.run(work)
        name = self._champion.name
        return {one.account: one if one.model_version == name else replace(one, model_version=name) for one in found}


@dataclass(frozen=True)
class Endpoint:
    """The tenant's endpoint, and what it predicts."""

    name: str
    predicts: str

    def serves(self, target: Target) -> bool:
        """Say whether it is asked for this."""
        return self.predicts in (target, "both")


class RemoteScorer:
    """Scores with the tenant's model behind SageMaker."""

    source: Source = "remote"

    def __init__(
        self,
        database: Database,
        connections: Connections,
        tenant: str,
        target: Target,
        endpoint: Endpoint,
        *,
        base_rate: float,
        scored_at: datetime,
        quick: bool,
    ) -> None:
        """Ask this endpoint; `quick` when somebody waits."""
        self._database = database
        self._connections = connections
        self._tenant = tenant
        self._target: Target = target
        self._endpoint = endpoint
        self._base_rate = base_rate
        self._scored_at = scored_at
        self._quick = quick

    def version(self, row: Row) -> str:
        """Give the endpoint's name."""
        return self._endpoint.name

    def lacks(self, row: Row) -> str | None:
        """Say that there are no features."""
        return NO_FEATURES if row.features is None else None

    def as_of(self, row: Row) -> datetime | None:
        """Give the cutoff of the features."""
        return row.features_at

    async def ready(self) -> None:
        """Make the client; the SDK is imported in a thread, because that takes half a second."""
        await asyncio.to_thread(importlib.import_module, "connectors.sagemaker.client")
        await _in_our_words(self._connections.client(self._tenant, SAGEMAKER))

    async def score(self, rows: Sequence[Row]) -> Mapping[str, Prediction]:
        """Score accounts, up to 1,000 in a request."""
        found: list[float] = []
        for begin in range(0, len(rows), MOST_ROWS):
            found += await self._asked(rows[begin : begin + MOST_ROWS])
        scores = scores_of(found, self._base_rate)
        return {
            row.account: Prediction(
                account=row.account,
                target=self._target,
                probability=probability,
                score=round(float(score)),
                level=level_of(round(float(score))),
                factors=(),
                source=self.source,
                model_version=self._endpoint.name,
                as_of=row.features_at or self._scored_at,
                scored_at=self._scored_at,
                coverage=_coverage(row),
                base_rate=self._base_rate,
            )
            for row, probability, score in zip(rows, found, scores, strict=True)
        }

    async def _asked(self, rows: Sequence[Row]) -> list[float]:
        async with self._database.begin(self._tenant) as session:
            turn = await book_call(session, SAGEMAKER, None, at_once=True)
        if turn.wait is not None:
            raise ScorerError("SageMaker was asked as often as is allowed, or failed too often of late")
        client = await _in_our_words(self._connections.client(self._tenant, SAGEMAKER))
        columns = [each.name for each in FEATURES]
        cells = [[_cell((row.features or {}).get(name)) for name in columns] for row in rows]
        asked = client.predict(Question(self._target, FEATURE_SET, columns, cells), quick=self._quick)
        return await _in_our_words(called(self._database, self._tenant, turn, asked))


def _cell(value: FeatureValue) -> Cell:
    return value if value is None or isinstance(value, str) else float(value)


def _coverage(row: Row) -> float:
    known = row.features or {}
    return sum(known.get(each.name) is not None for each in FEATURES) / len(FEATURES)


async def _in_our_words(call: Awaitable[T]) -> T:
    try:
        return await call
    except RateLimited as error:
        raise Throttled(str(error), error.retry_after.total_seconds() if error.retry_after else 0.05) from error
    except ConnectorError as error:
        raise ScorerError(str(error)) from error
