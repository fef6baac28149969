"""`http.request`."""

from urllib.parse import urlsplit

from activities.connections import Connections
from activities.definitions.http import HTTP_REQUEST, HttpRequestInput, HttpResponseOutput
from activities.effects import ExternalAction, Inputs, Outcome, Work
from activities.reading import output_of, read_inputs
from connectors.http.client import WebClient, problem_of
from connectors.http.vendor import HTTP
from storage.session import Session

_SAFE_TO_REPEAT = ("GET", "HEAD", "PUT", "DELETE")


class CallWebService(ExternalAction):
    """Sends a request to a web service that the customer named."""

    contract = HTTP_REQUEST

    def __init__(self, web: WebClient, connections: Connections) -> None:
        """Send with `web`, signed with what the tenant saved for it."""
        self._web = web
        self._connections = connections

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Check the inputs; the request is what they say."""
        inputs = read_inputs(HttpRequestInput, work.call)
        prepared: Inputs = inputs.model_dump(by_alias=True)
        return prepared

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Send it, with the effect's key as `Idempotency-Key`; where it is signed, each attempt anew, because signatures grow old."""
        url, headers, body = str(request["url"]), request["headers"], request["body"]
        if request.get("sign"):
            signer = await self._connections.client(work.run.tenant, HTTP)
            signed = signer.sign(work.object_id, headers, body)
            headers, body = signed.headers, signed.body
        answer = await self._web.request(request["method"], url, headers=headers, body=body, key=work.key)
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
