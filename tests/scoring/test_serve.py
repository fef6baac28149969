"""Every way in which the links of the chain can fail, on a clock that jumps."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.breaker import Breaker
from scoring.predictions import Prediction, Source
from scoring.serve import Answer, Chain, Kept, Link, Row, ScorerError, Throttled, refusal
from simulation.clock import run_virtual

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
AS_OF = NOW - timedelta(hours=9)
LIMITS: Mapping[Source, float] = {"remote": 0.8, "champion": 0.2, "scorecard": 0.2}

Way = Literal["answers", "breaks", "hangs", "deaf", "throttled", "throttled once", "garbage", "loads", "loads for ever", "lacks"]
WAYS: tuple[Way, ...] = (
    *("answers", "breaks", "hangs", "deaf", "throttled", "throttled once"),
    *("garbage", "loads", "loads for ever", "lacks"),
)
GOOD = ("answers", "throttled once", "loads")


def prediction(source: Source, *, account: str = "A", version: str | None = None, scored_at: datetime = NOW) -> Prediction:
    return Prediction(
        account=account,
        target="churn",
        probability=0.25,
        score=80,
        level="high",
        factors=(),
        source=source,
        model_version=version or f"{source}-1",
        as_of=AS_OF,
        scored_at=scored_at,
        coverage=0.9,
        base_rate=0.05,
    )


class VirtualClock:
    def seconds(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds())


@dataclass
class Scripted:
    """A scorer that fails in a given way."""

    source: Source
    way: Way
    asked: int = 0
    accounts: list[str] = field(default_factory=list)

    def version(self, row: Row) -> str:
        return f"{self.source}-1"

    def lacks(self, row: Row) -> str | None:
        return "there is nothing to score it by" if self.way == "lacks" else None

    def as_of(self, row: Row) -> datetime | None:
        return AS_OF

    async def ready(self) -> None:
        if self.way == "loads":
            await asyncio.sleep(0.9)
        if self.way == "loads for ever":
            await asyncio.sleep(1e6)

    async def score(self, rows: Sequence[Row]) -> Mapping[str, Prediction]:
        self.asked += 1
        self.accounts += [row.account for row in rows]
        await asyncio.sleep(0.05)
        match self.way:
            case "breaks":
                raise ScorerError("it said no")
            case "hangs":
                await asyncio.sleep(1e6)
            case "deaf":
                for _ in range(100):  # a thread that cannot be stopped
                    try:
                        await asyncio.sleep(30)
                    except asyncio.CancelledError:
                        continue
            case "throttled":
                raise Throttled("too many", 0.1)
            case "throttled once" if self.asked == 1:
                raise Throttled("too many", 0.01)
            case "garbage":
                return {row.account: replace(prediction(self.source), probability=float("nan")) for row in rows}
        return {row.account: prediction(self.source, account=row.account) for row in rows}


def links_of(ways: Mapping[Source, Way], **breakers: Breaker) -> list[Link]:
    retries = {"remote": 1, "champion": 1, "scorecard": 1}
    loads: Mapping[Source, float | None] = {"remote": 0.5, "champion": None, "scorecard": None}
    return [
        Link(Scripted(source, way), LIMITS[source], retries[source], breakers.get(source), loads[source]) for source, way in ways.items()
    ]


def kept(age: timedelta | None, source: Source = "champion") -> Kept | None:
    return None if age is None else Kept(prediction(source, scored_at=NOW - age), "f1")


def asked(row: Row, links: Sequence[Link], *, anew: bool = False) -> tuple[Answer, float]:
    async def ask() -> tuple[Answer, float]:
        answer = await Chain("churn", "f1", clock=VirtualClock()).answer(row, links, anew=anew)
        return answer, asyncio.get_running_loop().time()

    return run_virtual(ask())


AGES: Mapping[str, timedelta | None] = {
    "none": None,
    "a minute": timedelta(minutes=1),
    "an hour": timedelta(hours=1),
    "a week and more": timedelta(days=7, minutes=1),
}


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("remote", [*WAYS, None])
def test_the_first_who_can_answers_within_three_seconds(remote: Way | None, age: str) -> None:
    # A client is there in an instant, a model is loaded from a file, a scorecard needs nothing.
    remote = "answers" if remote == "loads" else remote
    for champion, scorecard in itertools.product([*WAYS, None], [way for way in (*WAYS, None) if way != "loads"]):
        ways: dict[Source, Way | None] = {"remote": remote, "champion": champion, "scorecard": scorecard}
        there = {source: way for source, way in ways.items() if way is not None}
        answer, took = asked(Row("A", kept=kept(AGES[age])), links_of(there), anew=True)
        first = next((source for source, way in there.items() if way in GOOD), None)

        assert took <= 3.0, (there, took)
        if first is not None:
            before = list(there)[: list(there).index(first)]
            assert answer.prediction is not None, there
            assert (answer.prediction.source, answer.given_by, answer.code) == (first, first, None), there
            assert [(each.link, each.code) for each in answer.failed] == [(link, "ML001") for link in before]
            assert answer.fallback == bool(before)
            continue
        assert answer.code == "PRED001"
        assert [each.link for each in answer.failed] == list(there)
        if age in ("none", "a week and more"):
            assert answer.prediction is None
            assert answer.why
            continue
        assert answer.prediction is not None
        assert (answer.prediction.source, answer.prediction.stale, answer.given_by) == ("cached", True, "champion")
        assert answer.age_s == pytest.approx((AGES[age] or timedelta()).total_seconds() + took)


def test_every_answer_says_what_it_rests_on() -> None:
    answer, _ = asked(Row("A", kept=kept(timedelta(hours=3))), links_of({"champion": "breaks"}))

    assert answer.prediction is not None
    said = answer.prediction
    assert (said.source, said.model_version, said.as_of, said.stale, said.coverage) == ("cached", "champion-1", AS_OF, True, 0.9)
    assert [(each.link, each.why, each.code) for each in answer.failed] == [("champion", "it said no", "ML001")]


@settings(max_examples=150, deadline=None)
@given(
    ways=st.lists(st.sampled_from(WAYS), min_size=3, max_size=3),
    spans=st.lists(st.floats(0, 5), min_size=3, max_size=3),
)
def test_the_budget_holds_whatever_the_limits_are(ways: Sequence[Way], spans: Sequence[float]) -> None:
    sources: tuple[Source, ...] = ("remote", "champion", "scorecard")
    links = [Link(Scripted(source, way), limit, 1) for source, way, limit in zip(sources, ways, spans, strict=True)]
    answer, took = asked(Row("A"), links)

    assert took <= 3.0
    assert (answer.prediction is None) == (answer.code == "PRED001")


# Age of the kept score, who made it, of which features, how the links are: does it stand for itself?
FRESHNESS = [
    ("a fresh one of the first link", timedelta(minutes=14), "remote", "f1", "answers", True),
    ("one that is a quarter of an hour old", timedelta(minutes=16), "remote", "f1", "answers", False),
    ("one of another model", timedelta(minutes=1), "champion", "f1", "answers", False),
    ("one of other features", timedelta(minutes=1), "remote", "f0", "answers", False),
    ("one of the champion, while the first link lacks what it needs", timedelta(minutes=1), "champion", "f1", "lacks", True),
]


@pytest.mark.parametrize(("what", "age", "source", "features", "remote", "stands"), FRESHNESS, ids=[case[0] for case in FRESHNESS])
def test_a_kept_score_spares_the_scorers(what: str, age: timedelta, source: Source, features: str, remote: Way, stands: bool) -> None:
    links = links_of({"remote": remote, "champion": "answers"})
    row = Row("A", kept=Kept(prediction(source, scored_at=NOW - age), features))
    answer, _ = asked(row, links)

    assert answer.prediction is not None
    assert (answer.prediction.source == "cached") == stands
    assert not answer.prediction.stale
    assert (sum(link.scorer.asked for link in links if isinstance(link.scorer, Scripted)) == 0) == stands


def test_new_features_are_scored_though_a_fresh_score_is_kept() -> None:
    old = Kept(replace(prediction("remote"), as_of=AS_OF - timedelta(days=1)), "f1")
    answer, _ = asked(Row("A", kept=old), links_of({"remote": "answers"}))

    assert answer.prediction is not None
    assert answer.prediction.source == "remote"


@pytest.mark.parametrize(("way", "times"), [("throttled", 2), ("throttled once", 2), ("breaks", 1), ("garbage", 1)])
def test_only_throttling_is_tried_once_more(way: Way, times: int) -> None:
    links = links_of({"remote": way})
    asked(Row("A"), links)

    assert isinstance(links[0].scorer, Scripted)
    assert links[0].scorer.asked == times


def test_accounts_are_asked_for_together_and_who_cannot_be_scored_goes_on_alone() -> None:
    class Choosy(Scripted):
        def lacks(self, row: Row) -> str | None:
            return "there are no features" if row.features is None else None

    champion, scorecard = Choosy("champion", "answers"), Scripted("scorecard", "answers")
    rows = [Row("A", features={"nps": 3}), Row("B"), Row("C", features={})]

    async def ask() -> list[Answer]:
        return await Chain("churn", "f1", clock=VirtualClock()).answers(rows, [Link(champion, 0.2), Link(scorecard, 0.2)])

    answers = run_virtual(ask())

    assert [each.given_by for each in answers] == ["champion", "scorecard", "champion"]
    assert [[failed.why for failed in each.failed] for each in answers] == [[], ["there are no features"], []]
    assert (champion.accounts, scorecard.accounts) == (["A", "C"], ["B"])


ALLOWED = [
    # what answered, whether it is refused when only fresh / fallback / anything is taken
    ({"champion": "answers"}, None, (None, None, None)),
    ({"remote": "hangs", "champion": "answers"}, None, ("ML001", None, None)),
    ({"champion": "breaks"}, timedelta(hours=1), ("PRED001", "PRED001", None)),
    ({"champion": "breaks"}, None, ("PRED001", "PRED001", "PRED001")),
]


@pytest.mark.parametrize(("ways", "age", "codes"), ALLOWED)
def test_who_asks_says_what_is_taken(ways: Mapping[Source, Way], age: timedelta | None, codes: Sequence[str | None]) -> None:
    answer, _ = asked(Row("A", kept=kept(age)), links_of(ways))
    verdicts = [refusal(answer, allow) for allow in ("fresh", "fallback", "stale")]

    assert [verdict and verdict[0] for verdict in verdicts] == list(codes)


def test_an_error_of_a_scorer_does_not_show_what_it_says() -> None:
    class Leaks(Scripted):
        async def score(self, rows: Sequence[Row]) -> Mapping[str, Prediction]:
            raise ValueError("key=hunter2")

    answer, _ = asked(Row("A"), [Link(Leaks("remote", "answers"), 0.8)])

    assert [each.why for each in answer.failed] == ["it broke (ValueError)"]


# What happens at which second, and how the breaker stands after it.
STORY: Sequence[tuple[float, str, str]] = [
    (0, "fails", "closed"),
    (1, "fails", "closed"),
    (2, "answers", "closed"),
    (3, "fails", "closed"),
    (4, "fails", "closed"),
    (5, "fails", "open"),
    (6, "turned away", "open"),
    (34.9, "turned away", "open"),
    (35, "enters", "half-open"),
    (35.1, "turned away", "half-open"),
    (36, "fails", "open"),
    (65.9, "turned away", "open"),
    (66, "enters", "half-open"),
    (66.1, "leaves", "half-open"),
    (66.2, "enters", "half-open"),
    (66.3, "answers", "closed"),
    (67, "fails", "closed"),
    (68, "fails", "closed"),
    (69, "fails", "closed"),
    (70, "fails", "closed"),
    (71, "fails", "open"),
]


def test_the_breaker_opens_waits_tries_and_closes() -> None:
    breaker, seen = Breaker(), []
    inside = False
    for at, what, _ in STORY:
        if what == "turned away":
            assert not breaker.enter(at), at
        elif not inside:
            assert breaker.enter(at), at
        inside = what == "enters" or (inside and what == "turned away")
        match what:
            case "fails":
                breaker.failed(at)
            case "answers":
                breaker.succeeded()
            case "leaves":
                breaker.left()
        seen.append((at, what, breaker.state(at)))

    assert seen == STORY


def test_old_failures_are_forgotten_after_twenty_answers() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker.failed(0)
    for _ in range(17):
        breaker.succeeded()
    breaker.failed(1)
    assert breaker.state(1) == "closed"
    for _ in range(4):
        breaker.failed(2)

    assert breaker.state(2) == "open"


def test_an_open_breaker_spares_the_wait() -> None:
    async def ask() -> tuple[list[float], list[int]]:
        breaker, champion = Breaker(), Scripted("champion", "answers")
        remote = Scripted("remote", "hangs")
        links = [Link(remote, 0.8, breaker=breaker), Link(champion, 0.2)]
        chain, took, loop = Chain("churn", "f1", clock=VirtualClock()), [], asyncio.get_running_loop()
        for _ in range(6):
            began = loop.time()
            await chain.answer(Row("A"), links)
            took.append(round(loop.time() - began, 3))
        await asyncio.sleep(30)
        remote.way = "answers"
        again = await chain.answer(Row("A"), links)
        assert again.given_by == "remote"
        return took, [remote.asked, champion.asked]

    assert run_virtual(ask()) == ([*[0.85] * 5, 0.05], [6, 6])


def test_whoever_goes_away_while_it_tries_lets_the_next_one_try() -> None:
    async def ask() -> str | None:
        breaker = Breaker(opens_after=1)
        breaker.failed(0)
        await asyncio.sleep(31)
        remote = Scripted("remote", "hangs")
        chain, links = Chain("churn", "f1", clock=VirtualClock()), [Link(remote, 0.8, breaker=breaker)]
        trying = asyncio.create_task(chain.answer(Row("A"), links))
        await asyncio.sleep(0.1)
        trying.cancel()
        await asyncio.wait([trying])
        remote.way = "answers"
        return (await chain.answer(Row("A"), links)).given_by

    assert run_virtual(ask()) == "remote"
