"""Every case of `cases/` on the virtual clock."""

from datetime import timedelta

import pytest

from simulation.play import Played
from tests.interpreter.cases import Case, load_cases, seconds

CASES = load_cases()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_play_comes_out_as_the_case_says(case: Case) -> None:
    played = case.play()

    assert _summary(case, played) == case.expect


def _summary(case: Case, played: Played) -> dict[str, object]:
    """Give what the case expects something of: `outcome`, `happened`, `within`, `refused`, `trace`, `error`, `conflicts`."""
    taken = played.ended_at - case.start
    found: dict[str, object] = {
        "outcome": played.result.outcome,
        "happened": [f"{each.what} {each.key}" for each in played.happenings],
        "inputs": {each.key: each.inputs for each in played.happenings if each.key in case.expect.get("inputs", {})},
        "after": case.expect.get("after") if abs(taken - seconds(case.expect.get("after", "0s"))) < timedelta(seconds=1) else str(taken),
        "refused": played.refused,
        "error": (played.result.error or {}).get("code"),
        "undo": {entry["key"]: entry.get("status", "open") for entry in played.result.state.get("undo", [])},
        "trace": played.result.state["trace"],
    }
    return {name: found[name] for name in case.expect}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
@pytest.mark.parametrize("limit", [1, 2])
def test_a_play_that_goes_on_in_fresh_histories_comes_out_the_same(case: Case, limit: int) -> None:
    played = case.play(history_limit=limit)

    assert _summary(case, played) == case.expect
