"""The real SDK against moto's server: somebody else's reading of AWS, beside our own stand-in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, TypeAlias

import boto3
import httpx
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from activities.connections import Connections
from connectors.errors import Rejected, Unavailable
from connectors.sagemaker.fake import FakeSageMaker
from connectors.sagemaker.predicting import Question
from connectors.sagemaker.vendor import SAGEMAKER
from connectors.sandbox.serving import serving
from storage.session import Database
from tests.activities.acting import call_of, ledger_of, make_account, run_of

Loose: TypeAlias = Any
ROWS = [[1.0, 2.0], [3.0, 5.0]]
REGION, ENDPOINT = SAGEMAKER.sandbox["region"], SAGEMAKER.sandbox["endpoint"]


def below_its_name(app: Loose) -> Loose:
    """As a sandbox does: every vendor is below its name."""

    def serve(environ: dict[str, Loose], start: Loose) -> Loose:
        for name in ("PATH_INFO", "RAW_URI"):
            environ[name] = environ[name].removeprefix(f"/{SAGEMAKER.name}")
        return app(environ, start)

    return serve


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Moto's server with the endpoint in it."""
    server = make_server("127.0.0.1", 0, below_its_name(DomainDispatcherApplication(create_backend_app)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="moto", daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    make_endpoint(url)
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


def make_endpoint(url: str) -> None:
    keys = {"aws_access_key_id": "sandbox-key", "aws_secret_access_key": "sandbox-secret", "region_name": REGION}
    with closing(boto3.client("sagemaker", endpoint_url=url, **keys)) as aws:
        aws.create_model(ModelName="churn", ExecutionRoleArn="arn:aws:iam::123456789012:role/scores", PrimaryContainer={"Image": "churn:1"})
        variant = {"VariantName": "all", "ModelName": "churn", "InitialInstanceCount": 1, "InstanceType": "ml.t2.medium"}
        aws.create_endpoint_config(EndpointConfigName="one", ProductionVariants=[variant])
        aws.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="one")


def will_answer(url: str, body: str) -> None:
    """Have the next question that moto has not seen yet answered like that."""
    results = [{"Body": body, "ContentType": "application/json", "InvokedProductionVariant": "all", "CustomAttributes": ""}]
    told = httpx.post(f"{url}/moto-api/static/sagemaker/endpoint-results", json={"region": REGION, "results": results})
    told.raise_for_status()


def client_at(url: str, **changed: str) -> Loose:
    return SAGEMAKER.connect({**SAGEMAKER.sandbox, **changed}, url)


async def test_an_endpoint_in_service_is_verified(moto: str) -> None:
    client = client_at(moto)
    assert await client.verify() == "the endpoint is in service"
    await client.close()


async def test_an_endpoint_that_is_not_there_is_refused(moto: str) -> None:
    client = client_at(moto, endpoint="another")
    with pytest.raises(Rejected, match="ValidationException"):
        await client.verify()
    await client.close()


@pytest.mark.servers
async def test_a_play_gets_the_same_scores_of_moto_and_of_the_stand_in(moto: str, database: Database) -> None:
    will_answer(moto, json.dumps({"predictions": [{"score": 1.5}, {"score": 4.0}]}))
    account = await make_account(database)
    with serving(FakeSageMaker()) as stand_in:
        outputs = [await scores_at(url, database, account) for url in (moto, stand_in)]

    assert outputs == [{"scores": [1.5, 4.0]}] * 2


async def test_moto_gives_predictions_too(moto: str) -> None:
    will_answer(moto, json.dumps({"predictions": [0.125, 0.5], "schema": "f1"}))
    client = client_at(moto)
    found = await client.predict(Question("churn", "f1", ["nps"], [[3.0], [None]]), quick=True)
    await client.close()

    assert found == [0.125, 0.5]


async def scores_at(url: str, database: Database, account: str) -> Mapping[str, Loose]:
    connections = Connections(database, url)
    ledger = ledger_of(database, connections=connections)
    try:
        return (await ledger.perform(call_of(run_of(account), "sagemaker.invoke", inputs={"rows": ROWS}))).output
    finally:
        await connections.close()


@pytest.mark.parametrize("body", ["[1.5]", "no numbers", '{"predictions": ["high", "low"]}'])
async def test_what_is_no_score_for_each_row_is_unavailable(moto: str, body: str) -> None:
    will_answer(moto, body)
    client = client_at(moto)
    with pytest.raises(Unavailable):
        await client.invoke([[float(len(body)), 2.0], [3.0, 4.0]])
    await client.close()
