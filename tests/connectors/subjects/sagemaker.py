from __future__ import annotations

from connectors.sagemaker.fake import FakeSageMaker
from connectors.sagemaker.vendor import SAGEMAKER
from storage.session import Session
from tests.connectors.standard import CANARY, Subject

SECRETS = ("access_key_id", "secret_access_key", "session_token")


async def link(session: Session, account: str) -> None:
    """Nothing is needed of our tables."""


async def scores(client: object) -> object:
    return await client.invoke([[1.0, 2.0], [3.0, 5.0]])  # type: ignore[attr-defined]  # the client is SageMaker's


SUBJECT = Subject(
    vendor=SAGEMAKER,
    fake=FakeSageMaker,
    read=scores,
    action="sagemaker.invoke",
    inputs={"rows": [[1.0, 2.0]]},
    count=lambda there: len(there.landed),
    link=link,
    never_sent=frozenset({"secret_access_key"}),
    canary=({**SAGEMAKER.sandbox, **{name: SAGEMAKER.sandbox.get(name, "") + CANARY for name in SECRETS}},),
    wrong_credentials={**SAGEMAKER.sandbox, "access_key_id": "of-somebody-else"},
    reversible=False,
    writes=False,
    effect_path="invocations",
)
