"""What can be done with a play after its end: undo it, retry it from a step."""

from dataclasses import replace

import pytest

from activities.contracts import RunInput
from simulation.play import Played, simulate
from tests.interpreter.cases import MONDAY, Case, load_cases
from workflows.interpreter.errors import Refused

CASES = {case.name: case for case in load_cases()}
STEPS = [
    {"kind": "action", "id": "a", "action": "account.update", "effect": "reversible"},
    {"kind": "action", "id": "b", "action": "account.update", "effect": "reversible"},
    {"kind": "action", "id": "c", "action": "http.request"},
    {"kind": "action", "id": "d", "action": "note.add", "effect": "reversible"},
]


def a_case(**changes: object) -> Case:
    base = CASES["basics: steps run in order and their results are readable"]
    plan = base.plan.model_validate({"playbook": "case", "title": "Case", "steps": STEPS, "finally": [{**STEPS[3], "id": "f"}]})
    return replace(base, plan=plan, replies={}, **changes)  # type: ignore[arg-type]  # the fields of a case


def after(case: Case, played: Played, **changes: object) -> Played:
    # What the first clock called its news, the second one calls its own, too.
    state = {**played.result.state, "seen": []}
    run_input: RunInput = case.run_input().model_copy(update={"state": state, **changes})
    return simulate(run_input, case.world(), MONDAY)


def happened(played: Played) -> list[str]:
    return [f"{each.what} {each.key}" for each in played.happenings]


def test_a_finished_play_can_be_undone() -> None:
    case = a_case()

    undone = after(case, case.play(), mode="undo")

    assert (undone.result.outcome, happened(undone)) == ("undone", ["undo f", "undo d", "undo b", "undo a"])


def test_undoing_twice_undoes_once() -> None:
    case = a_case()
    undone = after(case, case.play(), mode="undo")

    again = after(case, undone, mode="undo")

    assert (again.result.outcome, happened(again)) == ("undone", [])


def test_an_incomplete_undo_is_tried_again_where_it_failed() -> None:
    case = a_case(undo={"b": {"fail": "Unavailable"}})
    incomplete = after(case, case.play(), mode="undo")
    mended = replace(case, undo={})

    again = after(mended, incomplete, mode="undo")

    assert incomplete.result.outcome == "undo_incomplete"
    assert (again.result.outcome, happened(again)) == ("undone", ["undo b"])


def test_a_conflict_is_overwritten_only_by_force() -> None:
    case = a_case(undo={"a": "conflict"})
    left_alone = after(case, case.play(), mode="undo")

    forced = after(case, left_alone, mode="undo", force=True)

    assert left_alone.result.state["undo"][0]["status"] == "conflict"
    assert happened(forced) == ["undo a"]


def test_a_retry_of_an_undone_play_does_the_undone_steps_anew_as_a_new_generation() -> None:
    case = a_case()
    failing = replace(case, replies={"c": [{"fail": "Rejected"}]})
    undone = failing.play()

    retried = after(case, undone, retry_from="c")

    assert undone.result.outcome == "undone"
    assert (retried.result.outcome, happened(retried)) == (
        "completed",
        ["perform a", "perform b", "perform c", "perform d", "perform f"],
    )
    assert retried.result.state["generations"] == {"a": 1, "b": 1}


def test_a_retry_from_a_step_keeps_what_stands_before_it() -> None:
    case = a_case()
    stopped = replace(case, plan=case.plan.model_validate({**case.plan.model_dump(by_alias=True), "steps": _stop_on_error(STEPS)}))
    failed = replace(stopped, replies={"c": [{"fail": "Rejected"}]}).play()

    retried = after(stopped, failed, retry_from="c")

    assert failed.result.outcome == "failed"
    assert happened(retried) == ["perform c", "perform d", "perform f"]


def test_a_question_is_asked_in_a_new_round_after_a_retry() -> None:
    case = a_case()
    plan = {"playbook": "case", "title": "Case", "steps": [{"kind": "ask", "id": "q", "approval": True, "by": ["csm"]}]}
    asking = replace(case, plan=case.plan.model_validate(plan))

    def cancelled_by(request: str) -> Case:
        return replace(asking, stimuli=[{"after": "1 hour", "command": {"do": "cancel", "request_id": request}}])

    cancelled, again = cancelled_by("first").play(), cancelled_by("second")
    run_input = again.run_input().model_copy(update={"state": cancelled.result.state, "retry_from": "q"})
    retried = simulate(run_input, again.world(), MONDAY, again.virtual_stimuli())

    assert happened(cancelled) == happened(retried) == ["ask q"]
    assert (cancelled.result.state.get("asked_before"), retried.result.state["asked_before"]) == (None, {"q": 1})


def test_an_answer_after_the_deciding_one_is_refused() -> None:
    base = a_case()
    plan = {"playbook": "case", "title": "Case", "steps": [{"kind": "ask", "id": "q", "approval": True, "by": ["csm"]}]}
    yes, no = (
        {
            "after": "1 hour",
            "command": {"do": "answer", "key": "q", "by": "olga", "request_id": word, "answers": {"approved": word == "yes"}},
        }
        for word in ("yes", "no")
    )
    played = replace(base, plan=base.plan.model_validate(plan), stimuli=[yes, no]).play()

    assert len(played.result.state["asks"]["q"]["answers"]) == 1


def test_an_edit_that_was_refused_is_not_in_the_way_of_the_next() -> None:
    base = replace(a_case(), replies={"c": [{"fail": "BadInput"}]})
    plan = {"playbook": "case", "title": "Case", "steps": [{**STEPS[2], "on_error": {"do": "hold"}}]}
    wrong = {"after": "1 day", "command": {"do": "edit", "key": "c", "inputs": {"zork": 1}}}
    right = {"after": "2 days", "command": {"do": "edit", "key": "c", "inputs": {"url": "https://b"}}}
    undo = {"after": "3 days", "command": {"do": "undo", "key": "c"}}

    played = replace(base, plan=base.plan.model_validate(plan), stimuli=[wrong, right, undo]).play()

    assert played.result.state["edits"] == {"c": {"url": "https://b"}}


def test_a_retry_from_an_unknown_step_is_refused() -> None:
    case = a_case()

    with pytest.raises(Refused, match="nowhere"):
        after(case, case.play(), retry_from="nowhere")


def _stop_on_error(steps: list[dict[str, str]]) -> list[dict[str, object]]:
    return [{**step, "on_error": {"do": "stop"}} for step in steps]


def test_a_retry_starts_a_sub_play_anew() -> None:
    case = a_case()
    steps = [{"kind": "play", "id": "p", "playbook": "other"}]
    case = replace(case, plan=case.plan.model_validate({"playbook": "case", "title": "Case", "steps": steps}))

    retried = after(case, case.play(), retry_from="p")

    assert happened(retried) == ["play p"]
    assert retried.result.state["generations"] == {"p": 1}
