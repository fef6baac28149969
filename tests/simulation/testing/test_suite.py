import json
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.testing.reading import read_tests
from simulation.testing.suite import as_json, as_text
from tests.simulation.testing.plays import run

GIVEN = """
given:
  clock: 2026-11-23 09:00
  account: {name: ACME, country: Germany, zone: Europe/Berlin}
  facts: {health.score: 40}
  variants: {gift: a}
"""


def passes(tests: str) -> None:
    result = run(GIVEN + dedent(tests))

    assert as_text([result]).splitlines()[-1].startswith(f"{len(result.results)} passed, 0 failed")
    assert result.passed
    assert result.results


def test_effects_answers_mocks_and_offsets() -> None:
    passes("""
        tests:
          - test: everything goes well
            mock:
              score: {score: 91}
              letter: {message_id: m1}
            happens:
              - {at: day 1 10:00, complete: call, with: {result: reached}}
              - {at: +1 hour, event: email.replied, with: {message_id: other}}
              - {at: day 2, event: email.replied, with: {message_id: m1}}
              - {at: 3 business days, approve: sure, by: lee, comment: fine}
            expect:
              outcome: completed
              ended: day 3
              effects:
                - flag: {type: risk, because: risk 91}
                - task.create: {title: Call ACME}
                - note_a
                - letter
                - discount: {percent_off: 10}
                - unflag: {outcome: completed}
              never: [note_b, slack.post]
              undone: []
              ran: [score, answer]
              asked: [sure]
              values: {answer.came: replied, sure.comment: fine, call.status: done, gift.variant: a}
    """)


def test_the_other_variant_can_be_chosen() -> None:
    passes("""
        tests:
          - test: variant b
            given: {variants: {gift: b}}
            happens: [{at: day 1, complete: call}]
            expect: {effects: [flag, call, note_b, letter, unflag], not_run: [discount]}
    """)


def test_a_list_of_mocks_serves_the_retries() -> None:
    passes("""
        tests:
          - test: third time lucky
            mock: {letter: [{error: Unavailable}, {error: RateLimited}, {message_id: m3}]}
            happens: [{at: day 1, complete: call}]
            expect: {ran: [letter], values: {letter.message_id: m3}}
          - test: not even then
            mock: {letter: {error: Unavailable, message: the server is away}}
            happens: [{at: day 1, complete: call}]
            expect: {outcome: undone, undone: [note_a, call, flag], not_run: [answer]}
    """)


def test_an_undo_that_fails_or_conflicts() -> None:
    passes("""
        tests:
          - test: somebody changed the CTA, and the task cannot be cancelled
            mock: {letter: {error: Rejected}}
            mock_undo: {flag: conflict, call: {error: Rejected}}
            happens: [{at: day 1, complete: call}]
            expect: {outcome: undo_incomplete, undone: [note_a, flag]}
    """)


def test_facts_that_change_end_a_wait_and_pauses_shift_it() -> None:
    passes("""
        tests:
          - test: recovers while the task is open
            happens: [{at: day 4 15:30, facts: {health.score: 70}}]
            expect: {outcome: "exit:recovered", ended: day 4 15:30, effects: [flag, call, unflag]}
          - test: is cancelled with undo
            happens: [{at: day 4, tell: cancel, undo: true, by: lee}]
            expect: {outcome: undone, undone: [call, flag]}
          - test: paused for a week
            happens:
              - {at: day 1, complete: call}
              - {at: day 2, tell: pause}
              - {at: day 9, tell: resume}
            expect: {outcome: completed, ended: day 17, values: {answer.came: "", sure.approved: false}}
    """)


def test_a_play_that_waits_for_ever_is_still_running() -> None:
    passes("""
        tests:
          - test: nobody calls
            expect: {outcome: still running, effects: [flag, call], ran: [call], not_run: [letter]}
    """)


def test_a_moment_is_expected_as_it_is_mocked_on_the_clock_of_the_account() -> None:
    passes("""
        tests:
          - test: the call is due on Wednesday morning
            mock:
              call: {due_at: 2026-11-25 09:30}
            happens:
              - {at: day 1, complete: call}
            expect:
              values: {call.due_at: 2026-11-25 09:30}
          - test: as people write it, too
            mock:
              call: {due_at: 2026-11-25 09:30}
            happens:
              - {at: day 1, complete: call}
            expect:
              values: {call.due_at: 25 Nov 2026 09:30}
    """)


def test_nobody_to_write_to_is_no_effect() -> None:
    passes("""
        tests:
          - test: everybody opted out
            mock: {letter: {nobody: true}}
            happens: [{at: day 1, complete: call}]
            expect: {outcome: completed, never: [email.send]}
    """)


def test_a_failure_shows_place_difference_and_what_happened() -> None:
    result = run(
        GIVEN
        + dedent("""
        tests:
          - test: wrong in many ways
            happens:
              - {at: day 1, complete: call}
              - {at: day 1, answer: sure, with: {approved: true}}
            expect:
              outcome: goal
              effects: [flag, letter, {call: {title: Ring ACME}}, discount, unflag]
              never: [note_a]
              undone: [flag]
              ran: [discount]
              ended: day 2
        """)
    )

    assert not result.passed
    assert as_text([result]) == dedent("""\
        FAILED  care.test.yaml:8:11  wrong in many ways
          care.test.yaml:11:29: step "sure" asks nothing
          care.test.yaml:13:16: the outcome is "completed", not "goal"
          care.test.yaml:14:23: the effects are not the expected ones
                flag                     cta.open         day 0   Mon 23 Nov 09:00
              - letter                   expected, did not happen
                call                     task.create      day 0   Mon 23 Nov 09:00
              - discount                 expected, did not happen
              + note_a                   note.add         day 1   Tue 24 Nov 09:00   happened, not expected
              + letter                   email.send       day 1   Tue 24 Nov 09:00   happened, not expected
                unflag                   cta.close        day 10  Thu 03 Dec 09:00
          care.test.yaml:14:46: "title" of "call" is "Call ACME", not "Ring ACME"
          care.test.yaml:15:15: "note_a" must never happen, but step "note_a" did it on day 1   Tue 24 Nov 09:00
          care.test.yaml:16:16: undone were no effects, not "flag" (last effect first)
          care.test.yaml:17:13: step "discount" did not run
          care.test.yaml:18:14: the play ended on day 10  Thu 03 Dec 09:00, not on "day 2"
          what happened:
              day 0   Mon 23 Nov 09:00  score  score.churn
              day 0   Mon 23 Nov 09:00  flag  cta.open
              day 0   Mon 23 Nov 09:00  call  task.create
              day 1   Tue 24 Nov 09:00  note_a  note.add
              day 1   Tue 24 Nov 09:00  letter  email.send
              day 8   Tue 01 Dec 09:00  ask sure  approval
              day 10  Thu 03 Dec 09:00  unflag  cta.close
              day 10  Thu 03 Dec 09:00  completed
        0 passed, 1 failed""")


def test_the_report_for_programs_says_the_same() -> None:
    result = run(GIVEN + "tests: [{test: t, expect: {outcome: goal}}]")
    report = json.loads(json.dumps(as_json([result])))

    assert report["passed"] is False
    (test,) = report["files"][0]["tests"]
    assert (test["name"], test["passed"]) == ("t", False)
    assert test["differences"][0]["message"] == 'the outcome is "still running", not "goal"'
    assert test["timeline"][-1].endswith("still running: waits at call")


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("[]", "a test file takes a map"),
        ("tests: [{test: t}]", 'a test needs the key "expect"'),
        ("tests: [{test: t, expect: {}}]", "this test expects nothing"),
        ("tests: [{test: t, expects: {}}]", 'did you mean "expect"?'),
        ("playbook: other\ntests: [{test: t, expect: {outcome: goal}}]", 'there is no playbook "other" without errors'),
        ("tests: [{test: t, expect: {effects: [lettr]}}]", 'no step has the id "lettr" [PB201]'),
        ("tests: [{test: t, expect: {never: [lettr]}}]", 'did you mean "letter"?'),
        ("tests: [{test: t, expect: {never: [emal.send]}}]", 'no action is called "emal.send"'),
        ("tests: [{test: t, mock: {lettr: {}}, expect: {outcome: goal}}]", 'no step that does something has the id "lettr"'),
        ("tests: [{test: t, mock: {letter: {mesage_id: m}}, expect: {outcome: goal}}]", 'did you mean "message_id"?'),
        ("tests: [{test: t, mock: {score: {score: high}}, expect: {outcome: goal}}]", '"score" must be number, not "high"'),
        ("tests: [{test: t, mock_undo: {flag: maybe}, expect: {outcome: goal}}]", "write conflict, nothing or {error: Unavailable}"),
        ("tests: [{test: t, given: {facts: {helth.score: 4}}, expect: {outcome: goal}}]", '"facts" has no field "helth"'),
        ("tests: [{test: t, given: {account: {mrr: many}}, expect: {outcome: goal}}]", "write 500 EUR"),
        ("tests: [{test: t, given: {account: {status: gone}}, expect: {outcome: goal}}]", '"status" cannot be "gone"'),
        ("tests: [{test: t, given: {account: {country: Germny}}, expect: {outcome: goal}}]", 'did you mean "Germany"?'),
        ("tests: [{test: t, given: {inputs: {day: 4}}, expect: {outcome: goal}}]", 'did you mean "days"?'),
        ("tests: [{test: t, given: {clock: noon}, expect: {outcome: goal}}]", '"noon" is not a time'),
        ("tests: [{test: t, given: {variants: {gift: c}}, expect: {outcome: goal}}]", 'the split "gift" has no variant "c"'),
        ("tests: [{test: t, happens: [{at: soon, tell: pause}], expect: {outcome: goal}}]", '"soon" is no time in a test'),
        ("tests: [{test: t, happens: [{at: day 1}], expect: {outcome: goal}}]", "this happening does not say what"),
        ("tests: [{test: t, happens: [{at: day 1, tell: stop}], expect: {outcome: goal}}]", 'cannot be "stop"'),
        (
            "tests: [{test: t, happens: [{at: day 0, event: email.replied, with: {mesage_id: m}}], expect: {outcome: goal}}]",
            'the event "email.replied" has no field "mesage_id"',
        ),
        ("tests: [{test: t, given: {account: {name: {x: 1}}}, expect: {outcome: goal}}]", '"name" must be text'),
        ("tests: {test: [}", "[PB103]"),
    ],
)
def test_mistakes_in_a_test_file_have_a_place_and_a_hint(test: str, said: str) -> None:
    result = run(test)

    assert not result.passed
    assert said in as_text([result])
    assert all(found.span.file == "care.test.yaml" for found in result.diagnostics)


WORDS = 'tests: - test: t { } [ ] : \n expect: effects: given: facts: happens: at: day null " x'
PIECES = WORDS.split(" ")


@given(st.lists(st.sampled_from(PIECES)).map(" ".join) | st.text() | st.binary())
def test_any_file_is_read_or_reported(source: str | bytes) -> None:
    _, report = read_tests(source, "x.test.yaml")

    assert isinstance(report.sorted(), tuple)
