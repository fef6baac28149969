"""A month without drift wakes nobody, whatever its last day's weekday; halved logins do. Chosen as the product chooses."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import numpy as np
import pytest

from activities.scoring.drift import reference_rows
from scoring.features.compute import features_at
from scoring.features.definitions import FEATURES
from scoring.features.history import History, histories_of
from scoring.features.labels import Course, has_chance
from scoring.features.panels import build_panel
from scoring.features.values import seconds
from scoring.monitor import DriftReport, drift_report
from scoring.panel import Panel, encode
from scoring.simulate.book import simulate
from scoring.simulate.options import LIFELIKE, Drift, Options

MONTHS = 18
BY_TIME = {
    "days_since_login",
    "weeks_active_share",
    "days_since_executive",
    "days_since_meeting",
    "days_to_first_value",
    "logins_30d",
    "logins_trend",
    "active_users_trend",
    "tickets_per_seat_90d",
}
"""What alarmed by the weekday, by the youth of the feed, or because everybody's last row was taken."""


class Simulated:
    """A book, what was learned from it by its end, and its last days."""

    def __init__(self, drift: Drift) -> None:
        book = simulate(Options(accounts=300, months=MONTHS, seed=7, mess=LIFELIKE, drift=drift))
        self.end = datetime.combine(book.end, time(), UTC)
        self.histories: list[History] = list(histories_of(book.observations()).values())
        firsts = [datetime(2024 + month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(1, MONTHS)]
        self.learned = build_panel(self.histories, firsts, "churn", until=self.end)
        self.reference = self.learned.rows(reference_rows(self.learned))

    def report(self, day: datetime) -> DriftReport:
        here = [each for each in self.histories if has_chance(each, Course(each, seconds(self.end)), seconds(day))]
        values, levels = encode(FEATURES, [features_at(each, day) for each in here], self.learned.levels)
        accounts, days = np.array([each.account for each in here]), np.full(len(here), np.datetime64(day.date()))
        return drift_report(self.reference, Panel(FEATURES, accounts, days, values, np.zeros(len(here), bool), levels))


@pytest.fixture(scope="module")
def calm() -> Simulated:
    return Simulated(Drift())


def test_the_reference_has_an_account_once_and_is_of_several_months(calm: Simulated) -> None:
    rows = calm.reference
    _, count = np.unique(rows.as_of, return_counts=True)

    assert len(np.unique(rows.accounts)) == len(rows) > 200
    assert len(count) >= 3
    assert count.max() < 0.5 * len(rows)


@pytest.mark.parametrize("before", range(7))
def test_a_month_without_drift_raises_no_alarm_by_time_alone(calm: Simulated, before: int) -> None:
    report = calm.report(calm.end - timedelta(days=before))

    assert {each.name for each in report.alarms} & BY_TIME == set()
    assert len(report.alarms) <= 1


def test_halved_logins_of_a_book_are_found_in_their_first_month() -> None:
    halved = Simulated(Drift(logins_halved_from=MONTHS - 1))

    assert "logins_trend" in {each.name for each in halved.report(halved.end).alarms}
