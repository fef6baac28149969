"""What holds for every play, however strange its plan."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.play import Played
from tests.interpreter.cases import Case
from tests.interpreter.generated import LONGEST, generated_case

SEEDS = st.integers(min_value=0, max_value=10**9)
DONE_TWICE_OK = ("ask", "remind", "close")


def attempts(played: Played) -> list[str]:
    return [f"{each.what} {each.key}" for each in played.happenings if each.what not in DONE_TWICE_OK]


def races(case: Case) -> bool:
    """Say whether a failure (or the first branch) may leave others, so that it matters who got how far at the same instant."""
    fails = any(reply.get("fail") == "Rejected" for table in case.replies.values() for reply in table)
    return fails or '"first":1' in case.plan.to_json() or bool(case.stimuli)


@given(seed=SEEDS)
@settings(max_examples=300, deadline=None)
def test_every_play_ends_and_does_nothing_twice(seed: int) -> None:
    case = generated_case(seed)

    played = case.play()

    assert played.ended_at - case.start < LONGEST
    assert len(attempts(played)) == len(set(attempts(played)))


@given(seed=SEEDS)
@settings(max_examples=300, deadline=None)
def test_after_an_undo_nothing_reversible_is_left(seed: int) -> None:
    played = generated_case(seed).play()

    left = [entry for entry in played.result.state.get("undo", []) if entry.get("status", "open") == "open" and entry["how"] != "none"]

    if played.result.outcome == "undone":
        final = [step for step in played.result.state["steps"] if played.result.state["steps"][step]["kind"] == "task.create"][-1:]
        assert [entry["key"] for entry in left if entry["key"] not in final] == []


@given(seed=SEEDS, limit=st.integers(min_value=1, max_value=4))
@settings(max_examples=300, deadline=None)
def test_fresh_histories_change_nothing(seed: int, limit: int) -> None:
    case = generated_case(seed)
    straight = case.play()

    renewed = case.play(history_limit=limit)

    assert len(attempts(renewed)) == len(set(attempts(renewed)))
    if not races(case):
        assert (renewed.result.outcome, sorted(attempts(renewed))) == (straight.result.outcome, sorted(attempts(straight)))


@pytest.mark.parametrize("seed", range(20))
def test_the_same_seed_plays_the_same(seed: int) -> None:
    first, second = generated_case(seed).play(), generated_case(seed).play()

    assert first.result.state["trace"] == second.result.state["trace"]
