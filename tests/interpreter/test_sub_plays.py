"""What becomes of a sub-play that is still running when its parent ends."""

from dataclasses import replace

import pytest

from tests.interpreter.cases import Case, load_cases

BASE: Case = next(case for case in load_cases() if case.name == "exits: an exit takes the named steps back")


@pytest.mark.parametrize(
    ("taken_back", "expected"),
    [
        ("a", ["perform a", "play p", "cancel p", "undo a"]),
        ("p", ["perform a", "play p", "undo p"]),
    ],
)
def test_an_exit_that_takes_steps_back_leaves_no_sub_play_behind(taken_back: str, expected: list[str]) -> None:
    exits = [{"name": "x", "when": "health.score > 60", "then": "undo_steps", "undo": [taken_back]}]
    steps = [{"kind": "action", "id": "a", "action": "cta.open", "effect": "reversible"}, {"kind": "play", "id": "p", "playbook": "other"}]
    plan = BASE.plan.model_validate({"playbook": "case", "title": "Case", "exits": exits, "steps": steps})

    played = replace(BASE, plan=plan, sub_plays={"other": "running"}).play()

    assert [f"{each.what} {each.key}" for each in played.happenings] == expected
    assert played.result.outcome == "exit:x"
