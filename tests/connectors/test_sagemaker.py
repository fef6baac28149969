from __future__ import annotations

import json
import os

import pytest

from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable
from connectors.sagemaker.client import scores_of
from connectors.sagemaker.fake import FakeSageMaker
from connectors.sagemaker.vendor import SAGEMAKER
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving


@pytest.mark.parametrize("body", [b"[1, 2.5]", b'{"predictions": [{"score": 1}, {"score": 2.5}]}', b"1,2.5", b"1\n2.5\n"])
def test_scores_are_read_in_each_form_models_have(body: bytes) -> None:
    assert scores_of(body, 2) == [1.0, 2.5]


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
