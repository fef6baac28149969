"""The conformance kit: every case by `decide` alone and in PostgreSQL, and no way, reason or rule without a case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enrollment.deciding import RULES
from enrollment.states import TRANSITIONS, Reason
from storage.session import Database
from tests.enrollment.cases import Case, load_cases
from tests.enrollment.playing import Seen, play_purely, play_stored

CASES = load_cases()
ELSEWHERE = {
    Reason.CONDITION: "the condition of a trigger is asked before anybody comes",
    Reason.NOT_PUBLISHED: "who starts, schedules or triggers finds no version before anybody comes",
    Reason.BAD_INPUTS: "inputs are checked before anybody comes",
}
"""Reasons that neither `enter` nor `admit` gives."""
SEEN: dict[str, Seen] = {}
"""What the cases showed that this process has played."""


def test_there_are_enough_cases() -> None:
    names = [case.name for case in CASES]

    assert len(CASES) >= 100
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_the_rules_alone_decide_so(case: Case) -> None:
    play_purely(case)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
async def test_the_database_decides_so(case: Case, database: Database) -> None:
    SEEN[case.name] = await play_stored(case, database)


async def test_every_way_and_every_reason_has_a_case(database: Database) -> None:
    seen = dict(SEEN)
    for case in CASES:
        if case.name not in seen:  # played by another process, or not yet
            seen[case.name] = await play_stored(replace(case, number=1000 + case.number), database)
    moves = {move for one in seen.values() for move in one.moves}
    reasons = {reason for one in seen.values() for reason in one.reasons}

    assert {(str(state), str(to)) for state, ways in TRANSITIONS.items() for to in ways} == moves
    assert {str(reason) for reason in Reason} - set(map(str, ELSEWHERE)) - reasons == set()


def test_every_answer_of_every_rule_has_a_case() -> None:
    wanted = {
        *("active yes", "active no", "active waits", "active ignored", "again yes", "again no", "again ignored"),
        *("exclusions yes", "exclusions no", "existing yes", "existing no", "audience yes", "audience no", "audience ignored"),
        *("suppress yes", "suppress no", "suppress waits", "suppress ignored", "holdout yes", "holdout no", "holdout ignored"),
    }
    nodes = [
        node
        for case in CASES
        for act in case.acts
        if "expect" in act
        for node in ([act["expect"]] if isinstance(act["expect"], dict) else [])
    ]
    named = {verdict for node in nodes for verdict in node.get("verdicts", [])}

    assert wanted - named == set()
    assert len(RULES) == len({verdict.split()[0] for verdict in wanted})
