"""Scores for whoever asks: a play, a person, the night. The order of scorers and their limits are `scoring.serve`'s."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

import structlog

from activities.connections import Connections
from activities.scoring.keeping import Band, band_of, health_of, keep, kept_of
from activities.scoring.links import NO_FEATURES, TOO_FEW, Champion, ChampionScorer, Endpoint, Load, Models, RemoteScorer, load_local
from activities.scoring.pages import Page, StagePage
from connectors.errors import NotAuthorized
from connectors.sagemaker.vendor import SAGEMAKER, SageMakerCredentials
from scoring.anchors import USUAL_BASE_RATE
from scoring.breaker import Breaker
from scoring.features.definitions import FEATURE_SET
from scoring.predictions import Source, Target
from scoring.serve import IS_FRESH, Answer, Budget, Chain, Health, Link, Row, ScorerError
from scoring.stand_in import ScorecardScorer
from storage.repositories.connections import open_connection
from storage.repositories.models import find_champion
from storage.repositories.scores import LOST, Basis, page_basis, read_basis
from storage.session import Database, Session

_LOG = structlog.get_logger("scoring")
TARGETS: Final[tuple[Target, ...]] = ("churn", "expansion")

ONLINE: Final = Budget(total_s=2.7, closing_s=0.2)
"""The three seconds of a person or a play, less what reading and writing take."""
NIGHTLY: Final = Budget(total_s=120.0, closing_s=0.0)
_NO_NEWS: Final = (NO_FEATURES, TOO_FEW)
_MOST_BREAKERS: Final = 1_000
_WARM_EVERY_S: Final = 30.0

Now: TypeAlias = Callable[[], datetime]
"""Gives the moment, aware."""


class NoSuchAccount(Exception):
    """An account that is not there."""


class NoCustomer(Exception):
    """An account that was lost: of what was lost nobody foresees anything."""


@dataclass(frozen=True)
class HealthNow:
    """The health of an account as it is known; None where nothing is. `stale`: it was not computed of late."""

    health: Health | None
    band: Band = "red"
    stale: bool = False


@dataclass(frozen=True)
class _Limits:
    """How long each link may take; remote scores are asked for quickly when somebody waits."""

    remote_s: float
    champion_s: float
    scorecard_s: float
    budget: Budget
    quick: bool
    remote_load_s: float | None = None


_OF_ONE: Final = _Limits(0.8, 0.2, 0.2, ONLINE, quick=True, remote_load_s=0.5)
_OF_PAGE: Final = _Limits(20.0, 60.0, 10.0, NIGHTLY, quick=False)


@dataclass(frozen=True)
class _Setting:
    """Who can score for a tenant."""

    champion: Champion | None
    endpoint: Endpoint | None

    @property
    def base_rate(self) -> float:
        return (self.champion and self.champion.base_rate) or USUAL_BASE_RATE


class Serving:
    """Scores accounts through the chain, and writes down what came of it. One of a process: it keeps models and breakers."""

    def __init__(
        self, database: Database, connections: Connections, *, load: Load = load_local, now: Now = lambda: datetime.now(UTC)
    ) -> None:
        """Score what is in this database.

        Args:
            database: where everything is.
            connections: the clients of vendors.
            load: makes a model of its file.
            now: gives the moment; tests have their own.
        """
        self._database = database
        self._connections = connections
        self._models = Models(database, load)
        self._now = now
        self._breakers: dict[tuple[str, Target, Source, str], Breaker] = {}

    def close(self) -> None:
        """Let the models go."""
        self._models.close()

    async def score(self, tenant: str, account: str, target: Target, *, anew: bool = False) -> Answer:
        """Score one account now, within three seconds; what comes of it is written down. `anew`: also when a fresh score is kept.

        Raises:
            NoSuchAccount: there is none with this id.
            NoCustomer: it was lost.
        """
        now = self._now()
        async with self._database.begin(tenant) as session:
            basis = await read_basis(session, account, target, FEATURE_SET, now)
            if basis is None:
                raise NoSuchAccount(f'there is no account "{account}"')
            if basis.status == LOST:
                raise NoCustomer(f'the account "{account}" is no customer any more')
            setting = await self._setting(session, target)
        chain = Chain(target, FEATURE_SET, budget=_OF_ONE.budget)
        answer = await chain.answer(_row(basis), self._links(tenant, target, setting, now, _OF_ONE), anew=anew)
        _tell(tenant, target, [answer])
        async with self._database.begin(tenant) as session:
            await keep(session, target, [(basis, answer)], now)
        return answer

    async def health(self, tenant: str, account: str) -> HealthNow:
        """Give an account's health; it is computed every night, not here.

        Raises:
            NoSuchAccount: there is none with this id.
        """
        now = self._now()
        async with self._database.begin(tenant) as session:
            basis = await read_basis(session, account, "health", FEATURE_SET, now)
        if basis is None:
            raise NoSuchAccount(f'there is no account "{account}"')
        health = health_of(basis)
        if health is None:
            return HealthNow(None)
        return HealthNow(health, band_of(basis, health), stale=now - health.as_of > IS_FRESH)

    async def score_page(self, tenant: str, target: Target, as_of: datetime, after: str, limit: int) -> Page:
        """Score the next accounts of a night together, and keep their scores also as that night's. A second time changes nothing."""
        async with self._database.begin(tenant) as session:
            page = await page_basis(session, target, FEATURE_SET, as_of, after, limit)
            setting = await self._setting(session, target)
        if not page:
            return Page(accounts=0, last="", more=False)
        now = self._now()
        chain = Chain(target, FEATURE_SET, budget=_OF_PAGE.budget)
        links = self._links(tenant, target, setting, now, _OF_PAGE)
        answers = await chain.answers([_row(basis) for basis in page], links, anew=True)
        _tell(tenant, target, answers)
        async with self._database.begin(tenant) as session:
            await keep(session, target, list(zip(page, answers, strict=True)), now, night=as_of)
        return Page(accounts=len(page), last=page[-1].account, more=len(page) == limit)

    def stage(self, target: Target) -> StagePage:
        """Give a night's pass over the scores of a target."""

        async def page(database: Database, tenant: str, as_of: datetime, after: str, limit: int) -> Page:
            return await self.score_page(tenant, target, as_of, after, limit)

        return page

    async def warm(self, tenant: str) -> None:
        """Load what the next request would have to wait for: the models that score, and the client of the endpoint."""
        for target in TARGETS:
            async with self._database.begin(tenant) as session:
                setting = await self._setting(session, target)
            for link in self._links(tenant, target, setting, self._now(), _OF_ONE):
                try:
                    await link.scorer.ready()
                except ScorerError as error:
                    _LOG.warning("a scorer is not ready", tenant=tenant, target=target, link=link.scorer.source, reason=str(error))

    async def keep_warm(self, tenant: str) -> None:
        """Do so every half minute, so that a model which was promoted meanwhile is there when it is asked."""
        while True:
            try:
                await self.warm(tenant)
            except Exception as error:  # whatever it is, the first request that needs a model loads it, and the next round may go well
                _LOG.info("models are looked after later", reason=type(error).__name__)
            await asyncio.sleep(_WARM_EVERY_S)

    async def _setting(self, session: Session, target: Target) -> _Setting:
        row = await find_champion(session, target)
        found = await open_connection(session, SAGEMAKER.name)
        endpoint = None
        if found is not None:
            try:
                given = SageMakerCredentials.model_validate(SAGEMAKER.read_credentials(found.credentials))
                endpoint = Endpoint(given.endpoint, given.predicts)
            except NotAuthorized:
                _LOG.warning("the connection to SageMaker cannot be used; connect it anew", tenant=session.tenant)
        return _Setting(Champion.of(row, target) if row else None, endpoint if endpoint and endpoint.serves(target) else None)

    def _links(self, tenant: str, target: Target, setting: _Setting, now: datetime, limits: _Limits) -> list[Link]:
        links: list[Link] = []
        if setting.endpoint is not None:
            remote = RemoteScorer(
                self._database,
                self._connections,
                tenant,
                target,
                setting.endpoint,
                base_rate=setting.base_rate,
                scored_at=now,
                quick=limits.quick,
            )
            breaker = self._breaker(tenant, target, "remote", setting.endpoint.name)
            links.append(Link(remote, limits.remote_s, retries=1, breaker=breaker, load_s=limits.remote_load_s))
        if setting.champion is not None:
            champion = ChampionScorer(self._models, tenant, setting.champion, now)
            breaker = self._breaker(tenant, target, "champion", setting.champion.sha256)
            links.append(Link(champion, limits.champion_s, breaker=breaker))
        links.append(Link(ScorecardScorer(target, setting.base_rate, now), limits.scorecard_s))
        return links

    def _breaker(self, tenant: str, target: Target, source: Source, version: str) -> Breaker:
        key = (tenant, target, source, version)
        if key not in self._breakers:
            while len(self._breakers) >= _MOST_BREAKERS:
                self._breakers.pop(next(iter(self._breakers)))
            self._breakers[key] = Breaker()
        return self._breakers[key]


def _tell(tenant: str, target: Target, answers: Sequence[Answer]) -> None:
    """Say in the log who failed, each reason once. Accounts without (enough) features are no news: they are there every night."""
    reasons = Counter(f"{each.link}: {each.why}" for answer in answers for each in answer.failed if not each.why.startswith(_NO_NEWS))
    if reasons:
        by = Counter(answer.given_by or "nobody" for answer in answers)
        _LOG.warning("some scores came from a stand-in", tenant=tenant, target=target, failed=dict(reasons.most_common(5)), by=dict(by))


def _row(basis: Basis) -> Row:
    return Row(basis.account, basis.features, basis.features_at, health_of(basis), kept_of(basis))
