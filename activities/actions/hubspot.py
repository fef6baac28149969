"""`hubspot.*`."""

from datetime import UTC, datetime
from typing import Any

from activities.connections import Connections
from activities.contracts import JsonTree, UndoResult
from activities.definitions.hubspot import (
    HUBSPOT_COMPANY_GET,
    HUBSPOT_COMPANY_UPDATE,
    HUBSPOT_TASK_CREATE,
    CreateHubSpotTaskInput,
    GetCompanyInput,
    HubSpotCompanyOutput,
    HubSpotTaskOutput,
    UpdateCompanyInput,
)
from activities.effects import Action, ExternalAction, Inputs, Outcome, ReadAction, Work
from activities.failures import NotFound
from activities.reading import output_of, read_due, read_inputs, text_from
from connectors.hubspot.vendor import HUBSPOT
from playbook_dsl.timing.calendar import BusinessCalendar
from storage.repositories.connections import find_link
from storage.repositories.effects import EffectRecord
from storage.session import Session


def hubspot_actions(connections: Connections) -> tuple[Action, ...]:
    """Give every action of HubSpot."""
    return (GetCompany(connections), UpdateCompany(connections), MakeTask(connections))


class GetCompany(ReadAction):
    """Reads a company."""

    contract = HUBSPOT_COMPANY_GET
    vendor = HUBSPOT

    def __init__(self, connections: Connections) -> None:
        """Ask through these connections."""
        self._connections = connections

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Find the company of the account."""
        return {"company": await _company(session, work, read_inputs(GetCompanyInput, work.call).company)}

    async def read(self, work: Work, request: Inputs) -> Outcome:
        """Ask HubSpot."""
        client = await self._connections.client(work.run.tenant, HUBSPOT)
        found = await client.company(request["company"])
        return Outcome(output_of(HubSpotCompanyOutput(company=found["id"], properties=found["properties"])))


class UpdateCompany(ExternalAction):
    """Sets properties of a company."""

    contract = HUBSPOT_COMPANY_UPDATE
    vendor = HUBSPOT

    def __init__(self, connections: Connections) -> None:
        """Act through these connections."""
        self._connections = connections

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Find the company; HubSpot keeps texts only."""
        inputs = read_inputs(UpdateCompanyInput, work.call)
        values = {name: text_from(tree) for name, tree in inputs.set.items()}
        return {"company": await _company(session, work, inputs.company), "set": values}

    async def look(self, work: Work, request: Inputs) -> JsonTree:
        """Give the values that are there."""
        return await self._values(work.run.tenant, request)

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Set the properties."""
        client = await self._connections.client(work.run.tenant, HUBSPOT)
        changed = await client.update_company(request["company"], request["set"])
        output = HubSpotCompanyOutput(company=changed["id"], properties={name: changed["properties"].get(name) for name in request["set"]})
        return Outcome(output_of(output), vendor_id=changed["id"])

    async def find(self, work: Work, request: Inputs) -> bool:
        """Setting the same values twice is setting them once."""
        return True

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Put the earlier values back, but for those that somebody changed since."""
        request: Any = record.request
        if not isinstance(record.prior, dict):
            return UndoResult(status="nothing", detail="it was not attempted")
        now = await self._values(tenant, request)
        theirs = [name for name, value in request["set"].items() if now[name] not in (value, record.prior.get(name))]
        back = {name: value or "" for name, value in record.prior.items() if force or name not in theirs}
        if back:
            client = await self._connections.client(tenant, HUBSPOT)
            await client.update_company(request["company"], back)
        if theirs and not force:
            return UndoResult(status="conflict", detail=f"changed since at HubSpot, and left alone: {', '.join(theirs)}")
        return UndoResult(status="undone", detail=f"put back {', '.join(back)}")

    async def _values(self, tenant: str, request: Inputs) -> dict[str, JsonTree]:
        client = await self._connections.client(tenant, HUBSPOT)
        found = await client.company(request["company"], tuple(request["set"]))
        return {name: found["properties"].get(name) for name in request["set"]}


class MakeTask(ExternalAction):
    """Makes a task."""

    contract = HUBSPOT_TASK_CREATE
    vendor = HUBSPOT

    def __init__(self, connections: Connections) -> None:
        """Act through these connections."""
        self._connections = connections

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Settle when it is due, and the company if the account has one there."""
        inputs = read_inputs(CreateHubSpotTaskInput, work.call)
        due = read_due(inputs.due, BusinessCalendar()) if inputs.due is not None else None
        properties = {
            "hs_task_subject": inputs.title,
            "hs_task_body": inputs.text,
            "hs_task_status": "NOT_STARTED",
            "hs_timestamp": (due or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "hubspot_owner_id": inputs.owner,
        }
        company = inputs.company or await find_link(session, HUBSPOT.name, "company", account=work.run.account)
        return {"company": company, "properties": {name: value for name, value in properties.items() if value is not None}}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Make it; a second one with the same creation key is refused, and the first one found."""
        client = await self._connections.client(work.run.tenant, HUBSPOT)
        made = await client.make_task(work.object_id, request["properties"], request["company"])
        return Outcome(output_of(HubSpotTaskOutput(task_id=made["id"])), vendor_id=made["id"])

    async def find(self, work: Work, request: Inputs) -> bool:
        """HubSpot recognises the creation key."""
        return True

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Delete it, also when nobody heard of its making."""
        client = await self._connections.client(tenant, HUBSPOT)
        made = await client.find_task(record.key[:32])
        gone = made is not None and await client.delete_task(made["id"])
        return UndoResult(status="undone" if gone else "nothing")


async def _company(session: Session, work: Work, named: str | None) -> str:
    found = named or await find_link(session, HUBSPOT.name, "company", account=work.run.account)
    if found is None:
        raise NotFound(f'account "{work.run.account}" is linked to no HubSpot company; name one under "company"')
    return found
