"""A playbook and a way to run tests on it."""

from dataclasses import replace
from textwrap import dedent

from playbook_dsl.catalog import FactDef
from playbook_dsl.compiler import compile_playbook
from playbook_dsl.plan import Plan
from playbook_dsl.types import TEXT
from simulation.testing.suite import FileResult, run_tests
from tests.playbook_dsl import catalogs

ZONES = tuple(FactDef(f"{root}.zone", TEXT.maybe()) for root in ("account", "contact"))
CATALOG = replace(catalogs.CATALOG, facts=(*catalogs.CATALOG.facts, *ZONES))
PLAYBOOK = """
playbook: care
title: Care
inputs:
  days: {type: integer, default: 3}
exit:
  - {if: health.score >= 70, as: recovered}
deadline: {after: 60 days}
time: {zone: [account], calendar: account.country, quiet: "18:00-08:00 and weekends"}
steps:
  - id: score
    score.churn: {}
  - id: flag
    cta.open: {type: risk, owner: csm, because: "risk {{ steps.score.score }}"}
  - id: call
    task.create: {title: "Call {{ account.name }}", owner: csm, due: 2 business days, wait: true, form: {result: text}}
  - id: gift
    split: {a: {share: 50%, steps: [{id: note_a, note.add: {text: a}}]}, b: {share: 50%, steps: [{id: note_b, note.add: {text: b}}]}}
  - id: letter
    email.send: {template: save-intro, to: [champion, primary_contact]}
    retry: {attempts: 3, first: 1m}
    undo: {none: true, because: a letter cannot be called back}
  - id: answer
    wait_until:
      any: {replied: {event: email.replied, if: arrived.message_id == steps.letter.message_id}}
      up_to: 5 business days
  - id: sure
    approve: {by: csm.manager, question: Give a discount?, up_to: 2 business days, on_timeout: reject}
  - id: discount
    if: steps.sure.approved
    stripe.apply_discount: {percent_off: 10}
finally:
  - id: unflag
    cta.close: {cta: "{{ steps.flag.cta_id }}", outcome: "{{ run.outcome }}"}
"""


def plan() -> Plan:
    compiled = compile_playbook(PLAYBOOK, CATALOG, path="care.yaml")
    assert compiled.plan, compiled.diagnostics
    return compiled.plan


def run(tests: str) -> FileResult:
    """Run the tests of a text on the playbook above."""
    return run_tests(dedent(tests).lstrip("\n"), "care.test.yaml", lambda slug: plan() if slug in (None, "care") else None, CATALOG)
