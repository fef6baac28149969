from __future__ import annotations

import json
import os
import time

import pytest

from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable
from connectors.sagemaker.client import scores_of
from connectors.sagemaker.fake import FakeSageMaker
from connectors.sagemaker.predicting import Question, probabilities_of
from connectors.sagemaker.vendor import SAGEMAKER
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving


@pytest.mark.parametrize("body", [b"[1, 2.5]", b'{"predictions": [{"score": 1}, {"score": 2.5}]}', b"1,2.5", b"1\n2.5\n"])
def test_scores_are_read_in_each_form_models_have(body: bytes) -> None:
    assert scores_of(body, 2) == [1.0, 2.5]


ASKED = Question("churn", "f1", ["logins_30d", "plan"], [[12, "pro"], [float("nan"), None]])


def test_a_question_names_its_columns_and_leaves_out_what_is_missing() -> None:
    assert json.loads(ASKED.body()) == {
        "target": "churn",
        "schema": "f1",
        "columns": ["logins_30d", "plan"],
        "rows": [[12, "pro"], [None, None]],
    }


@pytest.mark.parametrize(
    "body", [b"[0.25, 1]", b'{"predictions": [{"probability": 0.25}, {"probability": 1}]}', b'{"predictions": [0.25, 1], "schema": "f1"}']
)
def test_probabilities_are_read_in_each_form(body: bytes) -> None:
    assert probabilities_of(body, ASKED) == [0.25, 1.0]


@pytest.mark.parametrize("body", [b"body", b"[0.1]", b"[0.1, NaN]", b"[0.1, 1.2]", b"[0.1, -1]", b"{}", b"[null, 1]", b"3", b"\xff", b""])
def test_what_is_no_probability_for_each_account_is_unavailable(body: bytes) -> None:
    with pytest.raises(Unavailable):
        probabilities_of(body, ASKED)


def test_a_model_of_other_features_is_not_believed() -> None:
    with pytest.raises(Rejected, match="other features"):
        probabilities_of(b'{"predictions": [0.1, 0.2], "schema": "f0"}', ASKED)


async def test_who_waits_does_not_wait_longer_than_the_chain_does() -> None:
    fake = FakeSageMaker()
    fake.deaf_s = 4
    fake.faults.append(Fault("silence"))
    with serving(fake) as url:
        client = SAGEMAKER.connect(dict(SAGEMAKER.sandbox), url)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await client.predict(ASKED, quick=True)
        took = time.monotonic() - began
        found = await client.predict(ASKED, quick=True)
        await client.close()

    assert took < 2
    assert found == [pytest.approx(0.047426)] * 2


@pytest.mark.parametrize("body", [b"body", b"[1]", b"[1, NaN]", b"{}", b"[null, 1]", b"\xff", b""])
def test_what_is_no_number_for_each_row_is_unavailable(body: bytes) -> None:
    with pytest.raises(Unavailable):
        scores_of(body, 2)


@pytest.mark.parametrize(
    ("status", "code", "more", "kind"),
    [
        (400, "ThrottlingException", {}, RateLimited),
        (400, "ExpiredTokenException", {}, NotAuthorized),
        (403, "AccessDeniedException", {}, NotAuthorized),
        (400, "ValidationError", {}, Rejected),
        (424, "ModelError", {"OriginalStatusCode": 415}, Rejected),
        (424, "ModelError", {"OriginalStatusCode": 500}, Unavailable),
        (429, "ModelNotReadyException", {}, Unavailable),
        (530, "InternalDependencyException", {}, Unavailable),
    ],
)
async def test_a_code_is_one_of_the_four_errors(status: int, code: str, more: dict[str, int], kind: type[ConnectorError]) -> None:
    fake = FakeSageMaker()
    fake.faults.append(Fault("status", status, {"x-amzn-errortype": code}, json.dumps({"message": "no", **more})))
    with serving(fake) as url:
        client = SAGEMAKER.connect(dict(SAGEMAKER.sandbox), url)
        with pytest.raises(kind):
            await client.invoke([[1.0]])
        await client.close()

    assert len(fake.received) == 1


async def test_the_machines_own_set_up_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_PROFILE": "missing", "AWS_ACCESS_KEY_ID": "machine", "HTTP_PROXY": "http://127.0.0.1:9"}.items():
        monkeypatch.setitem(os.environ, name, value)
    with serving(FakeSageMaker()) as url:
        client = SAGEMAKER.connect(dict(SAGEMAKER.sandbox), url)
        assert await client.invoke([[1.0, 2.0], [4.0, 5.0]]) == [1.5, 4.5]
        await client.close()
