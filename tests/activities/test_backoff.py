"""How attempts at a vendor are repeated when the author says nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.catalog import plain_catalog
from activities.failures import as_activity_failure
from connectors.errors import RateLimited, Unavailable
from connectors.vendor import Backoff
from playbook_dsl.compiler import compile_playbook
from playbook_dsl.plan import Retry

PLAYBOOK = """
playbook: give-discount
title: Give a discount
owner: cs-ops
{head}
steps:
  - id: offer
    stripe.apply_discount: {{percent_off: 15, months: 3}}
    {own}
"""


@pytest.mark.parametrize(
    ("head", "own", "expected"),
    [
        ("", "", Retry(attempts=4, first_s=5, factor=1)),
        ("", "retry: {attempts: 2}", Retry(attempts=2)),
        ("defaults: {retry: {attempts: 7}}", "", None),
    ],
)
def test_the_contract_speaks_last(head: str, own: str, expected: Retry | None) -> None:
    plan = compile_playbook(PLAYBOOK.format(head=head, own=own), plain_catalog(), path="give-discount.yaml").plan

    assert plan is not None
    assert plan.steps[0].retry == expected  # type: ignore[union-attr]  # an action


def test_pauses_grow_as_the_vendor_says() -> None:
    assert Backoff(growth="fixed", first_s=5).as_retry().factor == 1
    assert Backoff(growth="exponential").as_retry().factor == 2
    assert Backoff(growth="linear").as_retry().growth == "linear"


@pytest.mark.parametrize(
    ("error", "expected"), [(Unavailable("down"), 20), (RateLimited("slow"), 20), (RateLimited("slow", timedelta(seconds=7)), 7)]
)
def test_a_vendors_word_goes_above_an_even_pause(error: Exception, expected: int) -> None:
    with pytest.raises(ApplicationError) as caught, as_activity_failure(timedelta(seconds=20)):
        raise error

    assert caught.value.next_retry_delay == timedelta(seconds=expected)
