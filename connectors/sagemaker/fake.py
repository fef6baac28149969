"""A stand-in for SageMaker: one endpoint, whose score is the mean of a row's numbers.

Asked for a prediction, it finds an account in danger whose logins fell, and one that might buy more whose seats are in use.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.sandbox.fake import Fake

Loose: TypeAlias = Any
"""JSON as the caller gives it."""


class FakeSageMaker(Fake):
    """An endpoint that answers any name. `trained_on` is the schema its model says it knows, that of the question when it is None."""

    name = "sagemaker"
    trained_on: str | None = None

    def routes(self) -> list[BaseRoute]:
        """Give the part of the two APIs that the connector uses."""
        return [
            Route("/endpoints/{endpoint}/invocations", self._invoke, methods=["POST"]),
            Route("/", self._describe, methods=["POST"]),
        ]

    async def _describe(self, request: Request) -> Response:
        if request.headers.get("x-amz-target") != "SageMaker.DescribeEndpoint":
            return _error(400, "ValidationException")
        return _refusal(request) or JSONResponse({"EndpointName": "scores", "EndpointStatus": "InService"})

    async def _invoke(self, request: Request) -> Response:
        if request.headers.get("content-type") == "application/json":
            return _refusal(request) or self._predict(json.loads(await request.body()))
        try:
            rows = [[float(value) for value in line.split(",")] for line in (await request.body()).decode().splitlines()]
        except ValueError:
            return _error(400, "ValidationError")
        found: list[dict[str, Any]] = [{"score": sum(row) / len(row)} for row in rows]
        return _refusal(request) or JSONResponse({"predictions": found})

    def _predict(self, asked: Loose) -> Response:
        if not {"target", "schema", "columns", "rows"} <= asked.keys():
            return _error(400, "ValidationError")
        found = [_probability(asked["target"], dict(zip(asked["columns"], row, strict=True))) for row in asked["rows"]]
        return JSONResponse({"predictions": found, "schema": self.trained_on or asked["schema"]})


def _probability(target: str, row: Mapping[str, Loose]) -> float:
    weight = -1.5 * (row.get("logins_trend") or 0.0) if target == "churn" else 2.0 * (row.get("seat_share") or 0.0) - 1.0
    return round(1 / (1 + math.exp(3.0 - weight)), 6)


def _refusal(request: Request) -> Response | None:
    # A key of the sandbox, as the signature names it.
    if "Credential=sandbox-key" in request.headers.get("authorization", ""):
        return None
    return _error(403, "UnrecognizedClientException")


def _error(status: int, code: str) -> Response:
    return JSONResponse({"__type": code, "message": code}, status, {"x-amzn-errortype": code})
