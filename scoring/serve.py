"""Who is asked for a score, in which order, for how long, and what is said when nobody answers.

Remote model, local champion, health scorecard, the score kept from before, and then an honest "unavailable". All of it is policy: scorers
and the clock are handed in. A failure is ML001 when the next scorer can be asked, and PRED001 when there is none left.
"""

import asyncio
import math
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol, TypeAlias, TypeVar

from scoring.breaker import Breaker
from scoring.panel import FeatureValue
from scoring.predictions import Prediction, Source, Target

INFERENCE_FAILED: Final = "ML001"
"""A scorer could not answer; the next one is asked."""
ALL_AWAY: Final = "PRED001"
"""No scorer could answer: a score from before, marked as stale, or none."""

FRESH: Final = timedelta(minutes=15)
"""A kept score of the same account, features and model is good for so long without asking anybody."""
STALE_AT_MOST: Final = timedelta(days=7)
"""For so long a kept score is given for want of a new one; then it is refused."""
IS_FRESH: Final = timedelta(days=2)
"""Features and scores are computed every night; what is older was left over by nights that failed."""

_LEFT_ALONE: Final = "it failed too often of late, and is left alone for half a minute"

Code: TypeAlias = Literal["ML001", "PRED001"]
Allow: TypeAlias = Literal["fresh", "fallback", "stale"]
"""What somebody takes: `fresh` only what the best scorer of the tenant says, `fallback` also what another one says, `stale` anything."""
T = TypeVar("T")


class ScorerError(Exception):
    """A scorer that cannot answer; the message is a few words for people, without anything secret."""


class Throttled(ScorerError):
    """A scorer that wants to be asked again after `after_s` seconds."""

    def __init__(self, message: str, after_s: float = 0.0) -> None:
        """Keep the pause."""
        super().__init__(message)
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Health:
    """What a scorecard says of an account: 0 (worst) to 100, which card, its coverage, as of when, and its heaviest measures in words."""

    score: float
    version: str
    coverage: float
    as_of: datetime
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """A score from before. `feature_set` is the hash of the features it rests on."""

    prediction: Prediction
    feature_set: str


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one account that is to be scored; `features` and `features_at` are None when there are none of late."""

    account: str
    features: Mapping[str, FeatureValue] | None = None
    features_at: datetime | None = None
    health: Health | None = None
    kept: Kept | None = None
    readable: Mapping[str, object] = field(default_factory=dict)


class Scorer(Protocol):
    """One link of the chain, for one target."""

    source: Source

    def version(self, row: Row) -> str:
        """Give what its prediction of this account calls the model."""
        ...

    def lacks(self, row: Row) -> str | None:
        """Say what is missing to score this account, in words; None when nothing is."""
        ...

    def as_of(self, row: Row) -> datetime | None:
        """Give the cutoff of what it would rest on."""
        ...

    async def ready(self) -> None:
        """Have everything loaded."""
        ...

    async def score(self, rows: Sequence[Row]) -> Mapping[str, Prediction]:
        """Score accounts, none of which lacks anything; give the predictions by account.

        Raises:
            ScorerError: it cannot.
        """
        ...


@dataclass(frozen=True)
class Link:
    """A scorer with how long it may take once it is ready, how often it may be asked again when throttled, and its breaker.

    `load_s` is how long getting ready may take at most: as long as others after it leave time, where it is None.
    """

    scorer: Scorer
    limit_s: float
    retries: int = 0
    breaker: Breaker | None = None
    load_s: float | None = None


class Clock(Protocol):
    """What time it is."""

    def seconds(self) -> float:
        """Give the seconds of the clock that asyncio's timers run on."""
        ...

    def now(self) -> datetime:
        """Give the moment, aware."""
        ...


class LoopClock:
    """The clock of the running event loop."""

    def seconds(self) -> float:
        """Give the loop's time."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """Give the moment, aware."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Failed:
    """A link that did not answer, and why."""

    link: Source
    why: str
    code: Code = INFERENCE_FAILED


@dataclass(frozen=True, slots=True)
class Answer:
    """What the chain says of one account. `prediction` is None when nobody can say anything.

    `given_by` is who made the score, also when it was kept; `age_s` how old it is, or its features where they are old. `code` is PRED001
    when every scorer was away. `failed` are the links that were asked before, or left alone, and why.
    """

    account: str
    prediction: Prediction | None
    failed: tuple[Failed, ...] = ()
    code: Code | None = None
    given_by: Source | None = None
    age_s: float = 0.0
    why: str = ""

    @property
    def fallback(self) -> bool:
        """Whether somebody better than who answered was there and failed."""
        return bool(self.failed)


@dataclass(frozen=True)
class Budget:
    """How long all may take together, and how much of it is kept back for what comes after the scorers."""

    total_s: float = 3.0
    closing_s: float = 0.2


class Chain:
    """Asks the links of a tenant one after another."""

    def __init__(self, target: Target, feature_set: str, *, budget: Budget | None = None, clock: Clock | None = None) -> None:
        """Score this target from features of this schema."""
        self._target = target
        self._feature_set = feature_set
        self._budget = budget or Budget()
        self._clock = clock or LoopClock()

    async def answer(self, row: Row, links: Sequence[Link], *, anew: bool = False) -> Answer:
        """Score one account; `anew` asks the scorers even when a fresh score is kept."""
        return (await self.answers([row], links, anew=anew))[0]

    async def answers(self, rows: Sequence[Row], links: Sequence[Link], *, anew: bool = False) -> list[Answer]:
        """Score accounts together, in their order: who one link cannot score goes to the next. It ends within the budget."""
        ends_at = self._clock.seconds() + self._budget.total_s - self._budget.closing_s
        failed: dict[str, list[Failed]] = {row.account: [] for row in rows}
        done = {} if anew else {row.account: kept for row in rows if (kept := self._fresh(row, links)) is not None}
        for place, link in enumerate(links):
            left = [row for row in rows if row.account not in done]
            able = _able(link, left, failed)
            if not able:
                continue
            later_s = sum(each.limit_s for each in links[place + 1 :])
            try:
                found = await self._ask(link, able, ends_at - later_s)
            except ScorerError as error:
                for row in able:
                    failed[row.account].append(Failed(link.scorer.source, str(error)))
                continue
            for row in able:
                before = tuple(failed[row.account])
                said = Answer(row.account, found[row.account], before, given_by=link.scorer.source)
                done[row.account] = _aged(said, self._clock.now())
        return [done.get(row.account) or self._last_resort(row, tuple(failed[row.account])) for row in rows]

    def _fresh(self, row: Row, links: Sequence[Link]) -> Answer | None:
        """Give the kept score where it says what the first link that may be asked would say."""
        kept, failed = row.kept, []
        if kept is None or kept.feature_set != self._feature_set:
            return None
        for link in links:
            missing = link.scorer.lacks(row) or _left_alone(link, self._clock.seconds())
            if missing:
                failed.append(Failed(link.scorer.source, missing))
                continue
            as_of = link.scorer.as_of(row)
            age = self._clock.now() - kept.prediction.scored_at
            same = kept.prediction.model_version == link.scorer.version(row) and (as_of is None or kept.prediction.as_of >= as_of)
            if not same or age > FRESH:
                return None
            said = replace(kept.prediction, source="cached", stale=False)
            given_by = kept.prediction.source
            answer = Answer(row.account, said, tuple(failed), given_by=given_by, age_s=max(0.0, age.total_seconds()))
            return _aged(answer, self._clock.now())
        return None

    def _last_resort(self, row: Row, failed: tuple[Failed, ...]) -> Answer:
        kept = row.kept
        if kept is None:
            why = "nobody could score this account, and there is no score from before"
            return Answer(row.account, None, failed, ALL_AWAY, why=why)
        age = self._clock.now() - kept.prediction.scored_at
        if age > STALE_AT_MOST:
            too_old = f"the score from before is {age.days} days old; after {STALE_AT_MOST.days} it counts no more"
            why = f"nobody could score this account, and {too_old}"
            return Answer(row.account, None, failed, ALL_AWAY, why=why)
        said = replace(kept.prediction, source="cached", stale=True)
        why = f"nobody could score this account; this score is from {kept.prediction.scored_at:%Y-%m-%d %H:%M} UTC"
        return Answer(row.account, said, failed, ALL_AWAY, kept.prediction.source, max(0.0, age.total_seconds()), why)

    async def _ask(self, link: Link, rows: Sequence[Row], ends_at: float) -> Mapping[str, Prediction]:
        """Ask a link, through its breaker.

        Raises:
            ScorerError: it did not answer in time, or not with a score for each row.
        """
        breaker = link.breaker
        alone = _left_alone(link, self._clock.seconds())
        if alone is not None:
            raise ScorerError(alone)
        # Outside of the breaker: a model that is being loaded has not failed.
        slack_s = ends_at - link.limit_s - self._clock.seconds()
        await self._within(min(slack_s, link.load_s or slack_s), link.scorer.ready(), "it is still being loaded")
        if breaker is not None and not breaker.enter(self._clock.seconds()):
            raise ScorerError(_LEFT_ALONE)
        try:
            found = await self._attempts(link, rows, ends_at)
        except ScorerError:
            if breaker is not None:
                breaker.failed(self._clock.seconds())
            raise
        except BaseException:
            if breaker is not None:
                breaker.left()
            raise
        if breaker is not None:
            breaker.succeeded()
        return found

    async def _attempts(self, link: Link, rows: Sequence[Row], ends_at: float) -> Mapping[str, Prediction]:
        tries, until = link.retries, min(self._clock.seconds() + link.limit_s, ends_at)
        while True:
            late = f"it did not answer within {round(link.limit_s * 1000)} ms"
            try:
                found = await self._within(until - self._clock.seconds(), link.scorer.score(rows), late)
            except Throttled as wait:
                if tries <= 0 or self._clock.seconds() + wait.after_s >= until:
                    raise
                tries -= 1
                await asyncio.sleep(wait.after_s)
                continue
            return _checked(found, rows, self._target)

    async def _within(self, seconds: float, work: Coroutine[object, object, T], late: str) -> T:
        """Await work, but not longer than that, whatever it does when it is cancelled.

        Raises:
            ScorerError: it took longer, or failed.
        """
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task}, timeout=max(0.0, seconds))
        finally:
            if not task.done():
                task.cancel()
                task.add_done_callback(_look_away)
        if not task.done() or task.cancelled():
            raise ScorerError(late)
        error = task.exception()
        if isinstance(error, ScorerError) or (error is not None and not isinstance(error, Exception)):
            raise error
        if error is not None:
            # What it says may hold anything; its kind is enough for people, and the log has the rest.
            raise ScorerError(f"it broke ({type(error).__name__})") from error
        return task.result()


def rests_on_old(said: Prediction, given_by: Source | None, now: datetime) -> bool:
    """Say whether a model's score rests on features that no night of late computed."""
    return given_by in MODELS and now - said.as_of > IS_FRESH


def _aged(answer: Answer, now: datetime) -> Answer:
    """Mark a score of a model that rests on old features, whenever it was computed."""
    said = answer.prediction
    if said is None or not rests_on_old(said, answer.given_by, now):
        return answer
    age = now - said.as_of
    why = f"the newest features of this account are from {said.as_of:%Y-%m-%d %H:%M} UTC, {age.days} days old"
    return replace(answer, prediction=replace(said, stale=True), age_s=age.total_seconds(), why=why)


def refusal(answer: Answer, allow: Allow) -> tuple[Code, str] | None:
    """Say with which code and why an answer is not what somebody takes; None when it is."""
    if answer.prediction is None:
        return ALL_AWAY, answer.why
    if answer.prediction.stale and allow != "stale":
        return ALL_AWAY, f"{answer.why}, and only a new one is wanted here"
    if allow == "fresh" and answer.failed:
        first = answer.failed[0]
        return first.code, f"only a stand-in could answer, because of the {NAMES[first.link]}: {first.why}"
    return None


MODELS: Final[Sequence[Source]] = ("remote", "champion")
"""Who scores by features."""
NAMES: Final[Mapping[Source, str]] = {
    "remote": "model behind SageMaker",
    "champion": "model of your own",
    "scorecard": "health scorecard",
    "cached": "score kept from before",
}
"""What the links are called in sentences."""


def _look_away(task: "asyncio.Future[T]") -> None:
    """Take what a task that nobody waits for any more ended with, so that asyncio does not complain about it."""
    if not task.cancelled():
        task.exception()


def _able(link: Link, rows: Sequence[Row], failed: Mapping[str, list[Failed]]) -> list[Row]:
    able = []
    for row in rows:
        missing = link.scorer.lacks(row)
        if missing is None:
            able.append(row)
        else:
            failed[row.account].append(Failed(link.scorer.source, missing))
    return able


def _left_alone(link: Link, now: float) -> str | None:
    if link.breaker is None or link.breaker.lets_in(now):
        return None
    return _LEFT_ALONE


def _checked(found: Mapping[str, Prediction], rows: Sequence[Row], target: Target) -> Mapping[str, Prediction]:
    for row in rows:
        one = found.get(row.account)
        if one is None or one.account != row.account or one.target != target:
            raise ScorerError("its answer is not for what was asked")
        if not (math.isfinite(one.probability) and 0 <= one.probability <= 1 and 0 <= one.score <= 100):
            raise ScorerError("its answer is no probability")
    return found
