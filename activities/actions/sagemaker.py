"""`sagemaker.invoke`."""

from activities.connections import Connections
from activities.definitions.sagemaker import SAGEMAKER_INVOKE, InvokeInput, ScoresOutput
from activities.effects import Inputs, Outcome, ReadAction, Work
from activities.reading import output_of, read_inputs
from connectors.sagemaker.vendor import SAGEMAKER
from storage.session import Session


class InvokeModel(ReadAction):
    """Asks the tenant's model."""

    contract = SAGEMAKER_INVOKE
    vendor = SAGEMAKER

    def __init__(self, connections: Connections) -> None:
        """Ask through these connections."""
        self._connections = connections

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Check the numbers."""
        rows = read_inputs(InvokeInput, work.call).rows
        return {"rows": [list(row) for row in rows]}

    async def read(self, work: Work, request: Inputs) -> Outcome:
        """Ask the endpoint."""
        client = await self._connections.client(work.run.tenant, SAGEMAKER)
        return Outcome(output_of(ScoresOutput(scores=await client.invoke(request["rows"]))))
