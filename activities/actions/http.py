"""`http.request`."""

from urllib.parse import urlsplit

from activities.definitions.http import HTTP_REQUEST, HttpRequestInput, HttpResponseOutput
from activities.effects import ExternalAction, Inputs, Outcome, Work
from activities.reading import output_of, read_inputs
from connectors.http.client import WebClient, problem_of
from storage.session import Session

_SAFE_TO_REPEAT = ("GET", "HEAD", "PUT", "DELETE")


class CallWebService(ExternalAction):
    """Sends a request to a web service that the customer named."""

    contract = HTTP_REQUEST

    def __init__(self, web: WebClient) -> None:
        """Send with `web`."""
        self._web = web

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Check the inputs; the request is what they say."""
        inputs = read_inputs(HttpRequestInput, work.call)
        prepared: Inputs = inputs.model_dump(by_alias=True)
        return prepared

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Send it, with the effect's key as `Idempotency-Key`."""
        url = str(request["url"])
        answer = await self._web.request(request["method"], url, headers=request["headers"], body=request["body"], key=work.key)
        problem = problem_of(answer, urlsplit(url).hostname or url, accept=tuple(request["accept"]))
        if problem is not None:
            raise problem
        output = HttpResponseOutput(
            status=answer.status, ok=answer.status < 400, body=answer.body, text=answer.text if answer.body is None else None
        )
        return Outcome(output_of(output))

    async def find(self, work: Work, request: Inputs) -> bool | None:
        """Nobody can be asked; but some methods may be repeated by what HTTP says of them."""
        return True if request["method"] in _SAFE_TO_REPEAT else None
