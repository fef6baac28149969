from __future__ import annotations

import pytest

from activities.contracts import TriggerInfo
from playbook_dsl.enrollment import Enroll
from tests.workflows.world import plan, run_input
from workflows.starting import priority


@pytest.mark.parametrize(
    ("trigger", "own", "expected"),
    [
        ("manual", 0, 1),
        ("manual", -100, 1),
        ("event", 0, 2),
        ("event", 100, 2),
        ("event", -1, 3),
        ("schedule", 0, 3),
        ("schedule", 1, 2),
        ("schedule", -50, 4),
    ],
)
def test_a_playbooks_priority_moves_its_plays_by_one_place_and_never_before_a_click(trigger: str, own: int, expected: int) -> None:
    of = run_input(plan(enroll=Enroll(priority=own)), trigger=TriggerInfo(kind=trigger))

    assert priority(of).priority_key == expected
