"""`http.request`."""

from typing import Annotated, Literal

from pydantic import Field

from activities.contracts import JsonTree
from activities.definitions.contract import ActionContract, ActionInput, ActionOutput, AnyValue, Written
from playbook_dsl.types import TEXT


class HttpRequestInput(ActionInput):
    """A request to a web service of your own."""

    url: Annotated[str, Field(max_length=4000, description="Where to: `https://…`; its host must be allowed for your organisation.")]
    method: Annotated[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], Field(description="The HTTP method.")] = "POST"
    headers: Annotated[dict[str, str], Written("fields", TEXT), Field(default_factory=dict, description="Request headers.")]
    body: Annotated[AnyValue, Field(description="What is sent, as JSON; a text is sent as it is.")] = None
    accept: Annotated[list[int], Field(default_factory=list, description="Statuses of 400 and above that are answers to you, not errors.")]
    sign: Annotated[
        bool,
        Field(
            description="Sign it by the Standard Webhooks rules with the secret saved for the connector `http`, for a service of your own."
        ),
    ] = False


class HttpResponseOutput(ActionOutput):
    """The answer. `body` is the JSON it holds; `text` what it says when it is not JSON."""

    status: int
    ok: bool
    body: Annotated[JsonTree, Written("value")] = None
    text: str | None = None


HTTP_REQUEST = ActionContract(
    name="http.request",
    title="Call a web service",
    effect="irreversible",
    inputs=HttpRequestInput,
    outputs=HttpResponseOutput,
    internal=False,
    policy="at_most_once",
    sensitive=frozenset({"headers"}),
    help="Sends a request with an `Idempotency-Key` header, so that the service can tell a repetition.",
)
