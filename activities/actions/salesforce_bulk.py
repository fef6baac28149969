"""`salesforce.bulk_upsert`: many records as one job of Salesforce's bulk API."""

import asyncio
import time
from typing import TYPE_CHECKING, Final

from activities.actions.salesforce_records import OnSalesforce
from activities.actions.salesforce_values import outgoing
from activities.contracts import JsonTree
from activities.definitions.salesforce import SALESFORCE_BULK_UPSERT, BulkOutput, BulkUpsertInput
from activities.effects import ExternalAction, Inputs, Outcome, Work
from activities.failures import BadInput
from activities.reading import output_of, read_inputs
from connectors.errors import Rejected, Unavailable
from storage.session import Session

if TYPE_CHECKING:
    from connectors.salesforce.client import Salesforce

WAIT_S = 480.0
FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S: Final = 10.0
_ERRORS_TOLD: Final = 20
_OVER: Final = frozenset({"JobComplete", "Failed", "Aborted"})


class BulkUpsert(OnSalesforce, ExternalAction):
    """Makes or changes many records.

    The job is opened before anything is sent, and its id written down: a second attempt goes on with the same job. A job whose data may or
    may not have arrived is given up for a new one: the same records upserted twice are the same records.
    """

    contract = SALESFORCE_BULK_UPSERT

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Settle the values."""
        inputs = read_inputs(BulkUpsertInput, work.call)
        rows = [outgoing(each) for each in inputs.records]
        without = next((number for number, row in enumerate(rows, 1) if row.get(inputs.by) in (None, "")), None)
        if without is not None:
            raise BadInput(f'step "{work.call.key}": record {without} has no "{inputs.by}", by which Salesforce knows it')
        return {"object": inputs.object, "by": inputs.by, "rows": rows}

    async def look(self, work: Work, request: Inputs) -> JsonTree:
        """Open the job; it does nothing yet."""
        client = await self.client(work.run.tenant)
        return {"job": await client.bulk.open(request["object"], request["by"])}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Give the job its records, and wait for it."""
        client, object_, job = await self.client(work.run.tenant), request["object"], work.prior["job"]
        if (await client.bulk.job(object_, job)).state == "Open":
            try:
                await client.bulk.upload(object_, job, request["rows"])
            except Rejected:
                await client.bulk.abort(object_, job)
                job = await self._anew(client, request)
        else:
            job = await self._anew(client, request)
        return await self._waited(client, object_, job)

    async def find(self, work: Work, request: Inputs) -> Outcome | bool:
        """Look at the job."""
        if work.prior is None:
            return False  # the attempt broke off while it was opened
        client, object_, job = await self.client(work.run.tenant), request["object"], work.prior["job"]
        state = (await client.bulk.job(object_, job)).state
        return False if state in ("Open", "Aborted") else await self._waited(client, object_, job)

    @staticmethod
    async def _anew(client: "Salesforce", request: Inputs) -> str:
        job = await client.bulk.open(request["object"], request["by"])
        await client.bulk.upload(request["object"], job, request["rows"])
        return job

    @staticmethod
    async def _waited(client: "Salesforce", object_: str, job: str) -> Outcome:
        until, pause = time.monotonic() + WAIT_S, FIRST_PAUSE_S
        found = await client.bulk.job(object_, job)
        while found.state not in _OVER:
            if time.monotonic() > until:
                raise Unavailable(f"Salesforce is still working on the job {job}", maybe_done=True)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
            found = await client.bulk.job(object_, job)
        if found.state != "JobComplete":
            raise Rejected(f"Salesforce gave up the job {job}: {found.message or found.state}")
        errors = await client.bulk.failures(object_, job, _ERRORS_TOLD) if found.failed else []
        output = BulkOutput(job=job, processed=found.processed, failed=found.failed, errors=errors)
        note = f"{found.failed} of {found.processed} records were refused" if found.failed else None
        return Outcome(output_of(output), vendor_id=job, note=note)
