"""A stand-in for SageMaker: one endpoint, whose score is the mean of a row's numbers."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.sandbox.fake import Fake


class FakeSageMaker(Fake):
    """An endpoint that answers any name."""

    name = "sagemaker"

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
        try:
            rows = [[float(value) for value in line.split(",")] for line in (await request.body()).decode().splitlines()]
        except ValueError:
            return _error(400, "ValidationError")
        found: list[dict[str, Any]] = [{"score": sum(row) / len(row)} for row in rows]
        return _refusal(request) or JSONResponse({"predictions": found})


def _refusal(request: Request) -> Response | None:
    # A key of the sandbox, as the signature names it.
    if "Credential=sandbox-key" in request.headers.get("authorization", ""):
        return None
    return _error(403, "UnrecognizedClientException")


def _error(status: int, code: str) -> Response:
    return JSONResponse({"__type": code, "message": code}, status, {"x-amzn-errortype": code})
