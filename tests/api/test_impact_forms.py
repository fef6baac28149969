"""What is asked of impact in a wrong form is refused, and how times and figures are written."""

from __future__ import annotations

from datetime import timedelta
from math import nan
from typing import Any

import pytest

from api.services.impact_words import estimate_out, span_words
from scoring.impact.estimates import Estimate
from tests.api.conftest import Caller

pytestmark = pytest.mark.servers

JsonTree = Any


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(60, "1 minute"), (90, "1.5 minutes"), (7_200, "2 hours"), (86_400, "1 day"), (60 * 86_400, "60 days"), (365 * 86_400, "365 days")],
)
def test_a_time_is_said_in_its_own_unit(seconds: int, words: str) -> None:
    assert span_words(timedelta(seconds=seconds)) == words


def test_of_a_figure_that_is_not_known_there_is_no_interval_and_nothing_is_less_than_0() -> None:
    unknown, nothing = estimate_out(Estimate(nan, 0.0, -0.0)), estimate_out(Estimate(-0.0, -0.0, 0.0))

    assert (unknown.value, unknown.low, unknown.high) == (None, None, None)
    assert "-" not in f"{nothing.value} {nothing.low} {nothing.high}"


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v1/playbooks/asked/power", {"share": 0}),
        ("/v1/playbooks/asked/power", {"share": "nan"}),
        ("/v1/playbooks/asked/power", {"share": 1}),
        ("/v1/playbooks/asked/power", {"days": "inf"}),
        ("/v1/playbooks/asked/power", {"days": 1e9}),
        ("/v1/playbooks/asked/power", {"base_rate": -1}),
        ("/v1/playbooks/asked/impact", {"hour": -1}),
        ("/v1/playbooks/asked/impact", {"minutes_per_task": "nan"}),
        ("/v1/analytics/revenue-at-risk", {"by": "name; DROP TABLE account"}),
    ],
)
def test_hostile_parameters_are_refused(api: Caller, path: str, params: JsonTree) -> None:
    assert api.get(path, params=params, status=422)["code"] == "DATA001"


def test_a_playbook_that_is_not_there(api: Caller) -> None:
    refused = [api.get(f"/v1/playbooks/nobody/{path}", status=404) for path in ("impact", "power")]
    refused.append(api.post("/v1/playbooks/nobody/impact/looks", status=404))
    refused.append(api.call("PUT", "/v1/playbooks/nobody/impact/plan", {"looks": 4}, status=404))

    assert {each["code"] for each in refused} == {"PLAY005"}
    assert api.call("PUT", "/v1/playbooks/nobody/impact/plan", {"looks": 0}, status=422)["code"] == "DATA001"
