"""SageMaker, in facts."""

from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field, SecretStr

from connectors.vendor import Allowance, Backoff, Credentials, Vendor

if TYPE_CHECKING:
    from connectors.sagemaker.client import SageMaker


class SageMakerCredentials(Credentials):
    """A key that may invoke one endpoint."""

    access_key_id: SecretStr = Field(min_length=8, description="Access key of a user or role that may invoke the endpoint.")
    secret_access_key: SecretStr = Field(min_length=8, description="Its secret.")
    session_token: SecretStr | None = Field(None, description="Session token of a temporary key.")
    region: str = Field(min_length=4, description="Region of the endpoint, such as `eu-central-1`.")
    endpoint: str = Field(min_length=1, max_length=63, description="Name of the endpoint that gives scores.")
    predicts: Literal["churn", "expansion", "both", "nothing"] = Field(
        "churn", description="What accounts' scores ask it for: `churn`, `expansion`, `both`, or `nothing` when only steps of plays use it."
    )


def _open(credentials: Credentials, sandbox_url: str | None) -> "SageMaker":
    from connectors.sagemaker.client import SageMaker  # the SDK takes half a second to import

    return SageMaker(SageMakerCredentials.model_validate(credentials), base_url=sandbox_url)


SAGEMAKER: Final = Vendor["SageMaker"](
    name="sagemaker",
    title="SageMaker",
    credentials=SageMakerCredentials,
    open=_open,
    sandbox={
        "access_key_id": "sandbox-key",
        "secret_access_key": "sandbox-secret",
        "region": "eu-central-1",
        "endpoint": "scores",
    },
    allowance=Allowance(per_hour=100, burst=150),
    backoff=Backoff(),
    breaks_after=5,
    stand_in="connectors.sagemaker.fake:FakeSageMaker",
)
