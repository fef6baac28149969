"""What authors may write of Stripe, and what they are told."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from activities.catalog import plain_catalog
from playbook_dsl.compiler import Compiled, compile_playbook

HEAD = """
playbook: billing
title: Billing
steps:
  - {id: sub, stripe.subscription.get: {}}
"""


def compiled(steps: str) -> Compiled:
    return compile_playbook(HEAD + indent(dedent(steps).strip(), "  ") + "\n", plain_catalog())


def test_amounts_and_durations_are_written_as_everywhere() -> None:
    result = compiled("""
        - {id: offer, stripe.apply_discount: {percent_off: 10, for: 3 months}}
        - {id: less, stripe.apply_discount: {amount_off: 50 EUR, lasts: once}}
        - {id: trial, if: steps.sub.trial_end - now < 3 days, stripe.extend_trial: {for: 14 days}}
        - {id: pause, if: steps.sub.price < 100 EUR, stripe.pause_collection: {invoices: void, until: 2 months}}
        - {id: credit, stripe.credit_balance: {amount: "{{ default(steps.sub.price, 5 EUR) }}"}}
        """)

    assert [each for each in result.diagnostics if each.severity == "error"] == []
    assert result.plan is not None
    inputs = [getattr(step, "inputs", None) for step in result.plan.steps]
    assert inputs[1:3] == [{"percent_off": 10, "for": {"$expr": "3 months"}}, {"amount_off": {"$expr": "50 EUR"}, "lasts": "once"}]


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("stripe.credit_balance: {amount: lots}", "PB201"),
        ("stripe.apply_discount: {percent_off: 110, for: 3 months}", "PB3"),
        ("stripe.apply_discount: {percent_off: 10, lasts: always}", "PB352"),
        ("stripe.extend_trial: {for: 14}", "PB"),
        ("stripe.pause_collection: {invoices: refund}", "PB352"),
    ],
)
def test_what_does_not_fit_is_told_before_publishing(step: str, code: str) -> None:
    errors = [each.code for each in compiled(f"- {{id: x, {step}}}").diagnostics if each.severity == "error"]

    assert errors
    assert errors[0].startswith(code)
