from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from scoring.features.history import History
from scoring.features.labels import at_risk, churned_on, label_churn, label_expansion
from scoring.features.panels import build_panel
from scoring.observations import Observation
from tests.scoring.features.seen import CUTOFF, a_life, history, seen

STARTED = seen("contract", 400, mrr=100, plan="pro", seats=30, status="active")


def lost(days_after: float, subject: str = "") -> Observation:
    return seen("contract", -days_after, subject=subject, status="churned")


@pytest.mark.parametrize(
    ("days_after", "label", "risked"),
    [(0, False, False), (5, False, False), (14, False, False), (14.01, True, True), (104, True, True), (104.01, False, True)],
)
def test_churn_counts_after_the_lead_time_and_within_the_window(days_after: float, label: bool, risked: bool) -> None:
    account = history(STARTED, lost(days_after))

    assert (label_churn(account, CUTOFF), at_risk(account, CUTOFF)) == (label, risked)


def test_an_account_is_lost_with_its_last_contract_or_as_a_whole() -> None:
    two = [seen("contract", 400, subject=name, status="active", mrr=10) for name in "ab"]

    assert churned_on(history(*two, lost(20, "a"))) is None
    assert churned_on(history(*two, lost(20, "a"), lost(30, "b"))) == CUTOFF + timedelta(days=30)
    assert churned_on(history(*two, lost(20, "account"))) == CUTOFF + timedelta(days=20)


def test_who_comes_back_is_a_customer_again() -> None:
    account = history(STARTED, lost(-100), seen("contract", 50, status="active"), lost(60))

    assert [at_risk(account, CUTOFF - timedelta(days=days)) for days in (110, 80, 40, 0)] == [False, False, True, True]
    assert label_churn(account, CUTOFF)


def test_who_came_back_can_be_lost_by_a_contract_a_second_time() -> None:
    again = [seen("contract", 100, subject="account", status="active"), seen("contract", 99, subject="k2", status="active", mrr=10)]
    account = history(STARTED, lost(-200, "account"), *again, lost(20, "k2"))

    assert at_risk(account, CUTOFF)
    assert churned_on(account) == CUTOFF + timedelta(days=20)


def test_of_an_account_without_contracts_the_status_is_known() -> None:
    account = history(seen("usage", 300, logins=1), lost(30, "account"))

    assert (at_risk(account, CUTOFF), label_churn(account, CUTOFF)) == (True, True)
    assert not at_risk(account, CUTOFF - timedelta(days=301))


@pytest.mark.parametrize(("mrr", "days_after", "label"), [(105, 20, True), (104.9, 20, False), (200, 10, False), (200, 105, False)])
def test_expansion_is_five_percent_more_within_the_window(mrr: float, days_after: float, label: bool) -> None:
    assert label_expansion(history(STARTED, seen("contract", -days_after, mrr=mrr)), CUTOFF) is label


def test_a_further_contract_is_an_expansion() -> None:
    assert label_expansion(history(STARTED, seen("contract", -30, subject="more", mrr=50, status="active")), CUTOFF)


def test_a_panel_has_customers_at_cutoffs_whose_window_is_over() -> None:
    stays = History("stays", [*a_life(), seen("usage", -110, logins=1)])
    leaves = History("leaves", [STARTED, lost(20)])
    cutoffs = [CUTOFF, CUTOFF + timedelta(days=30), CUTOFF - timedelta(days=30)]

    panel = build_panel([leaves, stays], cutoffs, "churn")

    assert list(zip(panel.accounts, panel.as_of.astype(str), panel.labels, strict=True)) == [
        ("leaves", "2026-05-02", True),
        ("leaves", "2026-06-01", True),
        ("stays", "2026-05-02", False),
        ("stays", "2026-06-01", False),
    ]
    assert panel.groups["size"].tolist() == ["11-50"] * 4
    assert panel.mrr is not None
    np.testing.assert_allclose(panel.mrr, [100, 100, 600, 600])
    assert panel.values.shape == (4, 32)


def test_a_label_rests_on_what_was_known_until_then() -> None:
    account = history(STARTED, seen("contract", -20, late=200, status="churned"))

    assert build_panel([account], [CUTOFF], "churn", until=CUTOFF + timedelta(days=110)).labels.tolist() == [False]
    assert build_panel([account], [CUTOFF], "churn").labels.tolist() == [True]


def test_a_panel_of_nobody_is_empty() -> None:
    assert len(build_panel([], [CUTOFF], "expansion")) == 0
