from __future__ import annotations

import math
from datetime import timedelta

import pytest

from scoring.features.compute import Features, coverage, features_at, readable, snapshot_at
from scoring.features.definitions import FEATURES
from tests.scoring.features.seen import CUTOFF, a_life, history, seen


def numbers(values: Features, *names: str) -> list[float]:
    return [value if isinstance(value := values[name], float | int) else math.nan for name in names]


def test_every_feature_of_an_account_of_whom_all_is_known() -> None:
    values = features_at(history(*a_life()), CUTOFF)

    assert {name: value if value is None or isinstance(value, str) else round(value, 3) for name, value in values.items()} == {
        "logins_30d": round(40 * 30 / 7, 3),
        "logins_trend": 0.0,
        "active_users_30d": 8.0,
        "active_users_trend": 0.0,
        "seat_share": 0.4,
        "days_since_login": 0.0,
        "weeks_active_share": 1.0,
        "features_30d": 2.0,
        "features_trend": 0.0,
        "days_to_first_value": 0.0,
        "tickets_per_seat_90d": 0.1,
        "urgent_open": 1.0,
        "first_response_h": 6.0,
        "reopened_share": 0.5,
        "csat_180d": 4.0,
        "days_since_meeting": 30.0,
        "days_since_executive": 90.0,
        "reply_share_90d": 0.5,
        "champion_left": 0.0,
        "nps": 9.0,
        "nps_age_days": 60.0,
        "overdue_days": 19.0,
        "failed_payments_90d": 1.0,
        "downgraded_180d": 0.0,
        "discount_share": 0.1,
        "days_to_renewal": 30.0,
        "term_months": 12.0,
        "auto_renew": 0.0,
        "tenure_days": 400.0,
        "mrr_log": round(math.log(601), 3),
        "seats": 20.0,
        "plan": "pro",
    }


def test_of_an_account_of_whom_nothing_is_known_everything_is_missing() -> None:
    values = features_at(history(), CUTOFF)

    assert list(values) == [each.name for each in FEATURES]
    assert set(values.values()) == {None}
    assert coverage(values) == 0


def test_no_feed_is_missing_and_a_feed_in_which_nobody_logs_in_is_zero() -> None:
    silent = features_at(history(*[seen("usage", 7.0 * week, logins=0, active_users=0, features={}) for week in range(30)]), CUTOFF)
    gone = features_at(history(*[seen("usage", 121 + 7.0 * week, logins=5) for week in range(30)]), CUTOFF)

    assert [silent[name] for name in ("logins_30d", "active_users_30d", "features_30d", "days_since_login")] == [0, 0, 0, None]
    assert [gone[name] for name in ("logins_30d", "active_users_30d", "features_30d", "days_since_login")] == [None, None, None, 121]


def test_what_a_feed_never_speaks_of_is_missing() -> None:
    values = features_at(history(seen("usage", 3, logins=5)), CUTOFF)

    assert (values["logins_30d"], values["active_users_30d"], values["features_30d"]) == (5, None, None)


def test_people_who_are_named_are_counted_once() -> None:
    values = features_at(history(*[seen("usage", ago, user=user) for ago in (1, 2, 29, 31) for user in ("eva", "ben")]), CUTOFF)

    assert (values["logins_30d"], values["active_users_30d"], values["days_since_login"]) == (6, 2, 1)


@pytest.mark.parametrize("days", range(7))
def test_a_weekly_report_fills_the_window_whatever_the_day_of_the_week(days: int) -> None:
    values = features_at(history(*[seen("usage", days + 7.0 * week, logins=7) for week in range(40)]), CUTOFF)

    assert numbers(values, "logins_30d", "logins_trend", "weeks_active_share") == pytest.approx([30, 0, 1])


@pytest.mark.parametrize("days", range(7))
@pytest.mark.parametrize("hours", [0, 5])
def test_of_a_weekly_feed_weeks_and_last_login_know_no_weekday(days: int, hours: float) -> None:
    def fed(*quiet: int) -> list[float]:
        jitter = [hours / 24 * (-1) ** week for week in range(40)]
        life = [seen("usage", 1 + days + 7.0 * week + jitter[week], logins=0 if week in quiet else 7) for week in range(40)]
        values = features_at(history(*life), CUTOFF)
        return numbers(values, "days_since_login", "weeks_active_share")

    assert fed() == pytest.approx([0, 1])
    assert fed(0, 1, 20) == pytest.approx([14, 11 / 13], abs=0.01)
    assert fed(12) == pytest.approx([0, 12 / 13])


def test_a_weekly_feed_that_stopped_counts_from_the_cutoff() -> None:
    values = features_at(history(*[seen("usage", 21 + 7.0 * week, logins=7) for week in range(40)]), CUTOFF)

    assert numbers(values, "days_since_login", "weeks_active_share") == pytest.approx([21, 10 / 13])


def test_the_weeks_of_a_young_weekly_feed_are_all_covered() -> None:
    values = features_at(history(*[seen("usage", 3 + 7.0 * week, logins=7) for week in range(5)]), CUTOFF)

    assert values["weeks_active_share"] == 1


def test_a_daily_report_is_summed() -> None:
    values = features_at(history(*[seen("usage", day, logins=2 if day < 30 else 4) for day in range(200)]), CUTOFF)

    assert numbers(values, "logins_30d", "logins_trend") == pytest.approx([60, math.log(61 / 121)])


def test_a_young_feed_is_compared_with_the_days_it_has() -> None:
    eight_weeks = features_at(history(*[seen("usage", 7.0 * week, logins=7) for week in range(8)]), CUTOFF)
    five_weeks = features_at(history(*[seen("usage", 7.0 * week, logins=7) for week in range(5)]), CUTOFF)

    assert eight_weeks["logins_trend"] == pytest.approx(0, abs=1e-9)
    assert five_weeks["logins_trend"] is None


def test_of_a_subject_the_newest_known_observation_counts() -> None:
    opened = seen("ticket", 10, subject="t", status="open", severity=1)
    closed = seen("ticket", 2, late=3, subject="t", status="closed")

    assert features_at(history(closed, opened), CUTOFF)["urgent_open"] == 1
    assert features_at(history(closed, opened), CUTOFF + timedelta(days=1))["urgent_open"] == 0


def test_the_first_value_is_timed_from_the_start_of_the_contract() -> None:
    life = [
        seen("contract", 100, start=(CUTOFF - timedelta(days=100)).date().isoformat(), status="active"),
        seen("usage", 95, logins=1, features={"reports": 0}),
        seen("usage", 60, logins=1, features={"reports": 2}),
    ]

    assert features_at(history(*life), CUTOFF)["days_to_first_value"] == 40


def test_a_smaller_contract_is_a_downgrade_and_a_renewal_is_none() -> None:
    start = seen("contract", 300, mrr=500, status="active")

    assert features_at(history(start, seen("contract", 50, mrr=500, status="renewed")), CUTOFF)["downgraded_180d"] == 0
    assert features_at(history(start, seen("contract", 50, mrr=400)), CUTOFF)["downgraded_180d"] == 1
    assert features_at(history(start, seen("contract", 50, status="downgraded")), CUTOFF)["downgraded_180d"] == 1
    assert features_at(history(start, seen("contract", 190, mrr=400)), CUTOFF)["downgraded_180d"] == 0


def test_contracts_of_an_account_count_together_until_one_of_them_is_lost() -> None:
    two = [seen("contract", 300, subject=name, mrr=mrr, seats=5, plan=name, status="active") for name, mrr in (("a", 100), ("b", 300))]
    lost = seen("contract", 10, subject="b", status="churned", mrr=0)

    together, left = features_at(history(*two), CUTOFF), features_at(history(*two, lost), CUTOFF)

    assert numbers(together, "seats", "mrr_log") == pytest.approx([10, math.log(401)])
    assert numbers(left, "seats", "mrr_log") == pytest.approx([5, math.log(101)])
    assert (together["plan"], left["plan"]) == ("b", "a")


def test_a_contract_that_goes_on_by_itself_is_renewed_again_and_again() -> None:
    contract = seen("contract", 500, status="active", end="2026-04-01", term_months=3, auto_renew=True)
    ended = seen("contract", 500, status="active", end="2026-04-01", term_months=3, auto_renew=False)

    assert features_at(history(contract), CUTOFF)["days_to_renewal"] == pytest.approx(30.3, abs=0.1)
    assert features_at(history(ended), CUTOFF)["days_to_renewal"] == -61


def test_absurd_values_are_missing() -> None:
    values = features_at(
        history(
            seen("usage", 1, logins=float("nan"), active_users=float("inf"), features={"a": float("nan")}),
            seen("contract", 10, mrr=-5, seats=1e300, start="never", end="2026-13-45", plan=7, auto_renew="yes"),
            seen("survey", 1, nps="ten"),
            seen("ticket", 1, subject="", status=None, severity="high"),
        ),
        CUTOFF,
    )

    assert [values[name] for name in ("logins_30d", "active_users_30d", "mrr_log", "seats", "plan", "auto_renew", "nps")] == [None] * 7
    assert values["days_to_renewal"] is None


def test_a_snapshot_says_what_it_rests_on() -> None:
    snapshot = snapshot_at(history(*a_life(), seen("survey", 3, late=10, nps=1)), CUTOFF)

    assert snapshot.max_event_at == CUTOFF
    assert snapshot.max_ingested_at == CUTOFF
    assert (snapshot.sources["survey"].count, snapshot.sources["survey"].age_days) == (1, 60)
    assert snapshot.coverage == 1


def test_people_read_what_it_was_before() -> None:
    found = readable(history(*[seen("usage", day, logins=1 if day < 30 else 4) for day in range(200)]), CUTOFF)

    assert [found["logins_30d"].value, found["logins_30d"].reference] == pytest.approx([30, 120])
    assert "features_30d" not in found
