from __future__ import annotations

import numpy as np
import pytest

from scoring.anchors import anchors, level_of, score_of
from scoring.features.definitions import FEATURES, Feature, schema_hash
from scoring.panel import encode

PLAN = Feature("plan", "contract", "plan", kind="category")
LOGINS = Feature("logins_30d", "usage", "logins", -1)


def test_a_score_of_80_means_four_times_the_base_rate() -> None:
    assert [score_of(share, 0.03) for share in (0.0, 0.03, 0.12, 1.0)] == [0, 50, 80, 100]
    assert [level_of(score) for score in (0, 49, 50, 79, 80, 100)] == ["low", "low", "medium", "medium", "high", "high"]


@pytest.mark.parametrize("base", [0.0, 0.0001, 0.2, 0.5, 1.0])
def test_anchors_rise_whatever_the_base_rate(base: float) -> None:
    points = [point for point, _ in anchors(base)]

    assert points == sorted(set(points))


def test_a_schema_is_another_one_when_order_or_names_change() -> None:
    assert schema_hash(FEATURES) != schema_hash(tuple(reversed(FEATURES)))
    assert len({each.name for each in FEATURES}) == len(FEATURES)


def test_what_is_missing_or_unknown_to_the_model_is_not_a_number() -> None:
    values, levels = encode((LOGINS, PLAN), [{"logins_30d": 3, "plan": "pro"}, {"plan": "basic"}, {"logins_30d": None}])
    again, _ = encode((LOGINS, PLAN), [{"plan": "pro"}, {"plan": "brand new"}], levels)

    assert levels == {"plan": ("basic", "pro")}
    np.testing.assert_array_equal(values, [[3, 1], [np.nan, 0], [np.nan, np.nan]])
    np.testing.assert_array_equal(again, [[np.nan, 1], [np.nan, np.nan]])
