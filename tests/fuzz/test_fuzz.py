from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.attempt import attempt
from tests.fuzz.workers import tries

CRASHES = sorted((Path(__file__).parent / "crashes").glob("*.yaml"))


@pytest.mark.parametrize("path", CRASHES, ids=lambda path: path.stem)
def test_what_once_crashed_the_compiler_gets_an_answer(path: Path) -> None:
    assert attempt(path.read_bytes()).crash is None


def test_broken_playbooks_get_an_answer_each_and_quickly() -> None:
    tally = tries(500, start=20_26)

    assert tally.crashes == {}
    assert tally.tried == 500
    assert tally.outcomes["refused"] > 250
    assert tally.outcomes["accepted"] > 0
