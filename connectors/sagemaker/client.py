"""SageMaker through boto3, which blocks. Keys are the tenant's alone: nothing of the machine's own AWS set-up is looked at."""

import json
import math
import os
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from connectors.blocking import in_thread
from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable, error_for_status, pause_of
from connectors.sagemaker.predicting import Question, probabilities_of
from connectors.sagemaker.vendor import SageMakerCredentials

TIMEOUT_S = 3.0
QUICK_S = 0.8
"""As long as somebody who waits for a score waits for this endpoint."""
_NO_ACCESS: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnrecognizedClientException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "IncompleteSignature",
        "MissingAuthenticationToken",
    }
)
_LIMITS: Final = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"})
_NOT_READY: Final = "ModelNotReadyException"
_MODEL_FAILED: Final = "ModelError"

Row: TypeAlias = Sequence[float]
"""What the model is told of one account."""
AwsAnswer: TypeAlias = Any
"""An answer or a client of the SDK, which makes them at run time."""


class SageMaker:
    """One endpoint."""

    def __init__(self, credentials: SageMakerCredentials, *, base_url: str | None = None) -> None:
        """Prepare; nothing is called yet. `base_url` is where a sandbox stands in for AWS."""
        self._aws = _Aws(credentials, base_url)

    async def verify(self) -> str:
        """Ask how the endpoint is."""
        status = await self._asked(self._aws.describe)
        if status != "InService":
            raise Rejected(f"SageMaker: the endpoint is {str(status)[:50]}; it must be InService")
        return "the endpoint is in service"

    async def close(self) -> None:
        """Let the kept connections go."""
        self._aws.close()

    async def invoke(self, rows: Sequence[Row]) -> list[float]:
        """Give the model's score of each row.

        Raises:
            ConnectorError: the endpoint refused, is away, or answered something else than a number for each row.
        """
        body = "\n".join(",".join(repr(float(value)) for value in row) for row in rows)
        return scores_of(await self._asked(lambda: self._aws.invoke(body.encode(), "text/csv")), len(rows))

    async def predict(self, question: Question, *, quick: bool = False) -> list[float]:
        """Give the probability of each account; `quick` when somebody waits for it.

        Raises:
            ConnectorError: the endpoint refused, is away, was trained on other features, or answered something else.
        """
        body = question.body()
        told = await self._asked(lambda: self._aws.invoke(body, "application/json", quick=quick), QUICK_S if quick else TIMEOUT_S)
        return probabilities_of(told, question)

    async def _asked(self, call: Callable[[], AwsAnswer], within_s: float = TIMEOUT_S) -> AwsAnswer:
        try:
            return await in_thread("SageMaker", within_s + 0.5, call)
        except (ClientError, BotoCoreError, ResponseParserError, ValueError, KeyError, TypeError) as error:
            ours = _ours(error)
        # Raised out here, so that nobody finds the SDK's own behind it: that one holds the request with its keys.
        raise ours


class _Aws:
    """The SDK's two clients: one for calls of the endpoint, one for questions about it."""

    def __init__(self, given: SageMakerCredentials, base_url: str | None) -> None:
        nowhere = (None, None, os.devnull, None)
        core = botocore.session.Session(
            session_vars={"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
        )
        session = boto3.session.Session(botocore_session=core, region_name=given.region)
        keys = {
            "aws_access_key_id": given.access_key_id.get_secret_value(),
            "aws_secret_access_key": given.secret_access_key.get_secret_value(),
            "aws_session_token": given.session_token.get_secret_value() if given.session_token else None,
        }
        usual, quick = (_config(seconds) for seconds in (TIMEOUT_S, QUICK_S))
        self._endpoint = given.endpoint
        self._runtime = session.client("sagemaker-runtime", endpoint_url=base_url, config=usual, **keys)
        self._quick = session.client("sagemaker-runtime", endpoint_url=base_url, config=quick, **keys)
        self._about = session.client("sagemaker", endpoint_url=base_url and f"{base_url}/", config=usual, **keys)

    def describe(self) -> AwsAnswer:
        return self._about.describe_endpoint(EndpointName=self._endpoint)["EndpointStatus"]

    def invoke(self, body: bytes, content: str, *, quick: bool = False) -> AwsAnswer:
        client = self._quick if quick else self._runtime
        answer = client.invoke_endpoint(EndpointName=self._endpoint, Body=body, ContentType=content, Accept="application/json")
        return answer["Body"].read()

    def close(self) -> None:
        for client in (self._runtime, self._quick, self._about):
            client.close()


def _config(timeout_s: float) -> AwsAnswer:
    return Config(
        connect_timeout=timeout_s,
        read_timeout=timeout_s,
        retries={"total_max_attempts": 1},
        proxies={},
        ignore_configured_endpoint_urls=True,
    )


def scores_of(body: bytes, rows: int) -> list[float]:
    """Read the scores: a list, `{"predictions": [...]}` of numbers or of `{"score": ...}`, or numbers with commas or on lines.

    Raises:
        Unavailable: it is anything else, or not a finite number for each row.
    """
    try:
        scores = [float(each["score"] if isinstance(each, dict) else each) for each in _predictions(body.decode())]
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("SageMaker's answer is not numbers") from error
    if len(scores) != rows or not all(math.isfinite(score) for score in scores):
        raise Unavailable(f"SageMaker's answer is not a number for each of {rows} rows")
    return scores


def _predictions(text: str) -> list[AwsAnswer]:
    try:
        told = json.loads(text)
    except ValueError:
        told = text.replace(",", " ").split()
    if isinstance(told, dict):
        told = told["predictions"]
    return told if isinstance(told, list) else [told]


def _ours(error: Exception) -> ConnectorError:
    match error:
        case ClientError():
            return _refusal(error)
        case EndpointConnectionError() | ConnectTimeoutError():
            return Unavailable("SageMaker cannot be reached")
        case BotoCoreError():
            return Unavailable(f"SageMaker did not finish its answer: {type(error).__name__}", maybe_done=True)
    return Unavailable("SageMaker's answer is not one of its API", maybe_done=True)


def _refusal(error: ClientError) -> ConnectorError:
    about, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code, status = str(about.get("Code", "")), int(meta.get("HTTPStatusCode", 500))
    said = f"SageMaker: {code[:80] or status}"
    retry_after = meta.get("HTTPHeaders", {}).get("retry-after")
    if code in _NO_ACCESS:
        return NotAuthorized(said)
    if code in _LIMITS:
        return RateLimited(said, pause_of(retry_after))
    if code == _NOT_READY:
        return Unavailable(said)
    if code == _MODEL_FAILED:
        of_model = error.response.get("OriginalStatusCode", 500)
        return Rejected(said) if isinstance(of_model, int) and 400 <= of_model < 500 else Unavailable(said)
    return error_for_status(status, said, retry_after=retry_after) or Unavailable(said)
