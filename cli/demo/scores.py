"""Scores the simulated book: features of its past, a model of churn, one night, and who is at risk."""

from __future__ import annotations

from collections.abc import Callable

from cli.client import Api, JsonTree
from cli.demo.book import DEMO
from cli.jobs import wait_for

_SHOWN = 3
_LOOKED_AT = 6_000
"""Most accounts are of the imported sample, of which nothing was seen: a scorecard stands in for the model there."""


def score_book(api: Api, say: Callable[[str], None]) -> None:
    """Train and score, the first time; afterwards every night does it. What a gate blocks is said."""
    if not api.get("/v1/models/churn", limit=1)["items"]:
        say("keeps the features of past months and trains a model of churn on them; this takes a moment")
        wait_for(api, api.post("/v1/scoring/backfill", {"months": DEMO.months}))
        trained = wait_for(api, api.post("/v1/models/churn/train", {}))["result"]
        say(f"the model of churn: {trained['status']}. {trained['why']}" if trained else "no model of churn could be trained")
        wait_for(api, api.post("/v1/scoring/night"))
    scored = [risk for risk in api.pages("/v1/risk-scores", _LOOKED_AT) if risk["source"] == "champion"]
    for risk in scored[:_SHOWN]:
        say(f"at risk: {_line(risk)}")


def _line(risk: JsonTree) -> str:
    factors = "; ".join(risk["top_factors"][:2])
    return f"{risk['name']} ({risk['account']}), {risk['score']} by {risk['model_version']}{f': {factors}' if factors else ''}"
