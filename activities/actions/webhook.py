"""`webhook.emit`."""

from dataclasses import replace
from datetime import UTC, datetime

from activities.connections import Connections
from activities.definitions.webhook import WEBHOOK_EMIT, EmittedOutput, EmitWebhookInput
from activities.effects import ExternalAction, Inputs, Outcome, Work
from activities.reading import output_of, read_inputs
from connectors.http.client import WebClient
from connectors.webhook.vendor import WEBHOOK
from storage.session import Session


class EmitWebhook(ExternalAction):
    """Sends a signed message to the tenant's own endpoint."""

    contract = WEBHOOK_EMIT
    vendor = WEBHOOK

    def __init__(self, connections: Connections, web: WebClient) -> None:
        """Send with the tenant's secret, to hosts that `web` allows."""
        self._connections = connections
        self._web = replace(web, reads_json=False)

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Settle what is sent, and what time it says: both are the same for every attempt."""
        inputs = read_inputs(EmitWebhookInput, work.call)
        at = datetime.now(UTC).isoformat()
        return {"type": inputs.type, "timestamp": at, "account": work.run.account, "data": inputs.data}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Sign and send it."""
        client = await self._connections.client(work.run.tenant, WEBHOOK)
        await client.emit(work.object_id, request, through=self._web)
        return Outcome(output_of(EmittedOutput(message_id=work.object_id)), vendor_id=work.object_id)

    async def find(self, work: Work, request: Inputs) -> None:
        """Nobody can be asked; receivers know a message by its id, so it is sent again."""
