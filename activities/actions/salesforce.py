"""`salesforce.*`: records looked up, found and changed; see `salesforce_create` and `salesforce_bulk` for the others."""

from collections.abc import Mapping
from typing import Any, Final, cast

from activities.actions.salesforce_bulk import BulkUpsert
from activities.actions.salesforce_create import CreateCase, CreateRecord, CreateTask
from activities.actions.salesforce_records import OnSalesforce, linked_account, record_of
from activities.actions.salesforce_values import bound, differing, incoming, outgoing, same
from activities.connections import Connections
from activities.contracts import JsonTree, UndoResult
from activities.definitions.salesforce import (
    SALESFORCE_GET,
    SALESFORCE_OPPORTUNITY_UPDATE,
    SALESFORCE_QUERY,
    SALESFORCE_UPDATE,
    SALESFORCE_UPSERT,
    GetInput,
    QueryInput,
    QueryOutput,
    RecordOutput,
    UpdateInput,
    UpdateOpportunityInput,
    UpdateOutput,
    UpsertInput,
    UpsertOutput,
)
from activities.effects import Action, ExternalAction, Inputs, Outcome, ReadAction, Work
from activities.failures import BadInput
from activities.reading import output_of, read_inputs, text_from
from connectors.errors import Rejected
from storage.repositories.effects import EffectRecord
from storage.session import Session


def salesforce_actions(connections: Connections) -> tuple[Action, ...]:
    """Give every action of Salesforce."""
    return (
        GetRecord(connections),
        FindRecords(connections),
        CreateRecord(connections),
        UpdateRecord(connections),
        UpsertRecord(connections),
        CreateTask(connections),
        CreateCase(connections),
        UpdateOpportunity(connections),
        BulkUpsert(connections),
    )


class GetRecord(OnSalesforce, ReadAction):
    """Reads a record."""

    contract = SALESFORCE_GET

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Find the record of the account."""
        inputs = read_inputs(GetInput, work.call)
        return {**inputs.model_dump(), "id": await record_of(session, work, inputs.object, inputs.id)}

    async def read(self, work: Work, request: Inputs) -> Outcome:
        """Ask Salesforce."""
        client = await self.client(work.run.tenant)
        found = await client.record(request["object"], request["id"], request["fields"])
        fields = incoming({name: found.get(name) for name in request["fields"]})
        return Outcome(output_of(RecordOutput(id=found["Id"], object=request["object"], fields=fields)))


class FindRecords(OnSalesforce, ReadAction):
    """Finds records by conditions."""

    contract = SALESFORCE_QUERY

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Nothing of ours is needed."""
        return read_inputs(QueryInput, work.call).model_dump()

    async def read(self, work: Work, request: Inputs) -> Outcome:
        """Ask Salesforce."""
        client = await self.client(work.run.tenant)
        where = {name: bound(tree) for name, tree in request["where"].items()}
        found = await client.find(request["object"], request["fields"], where, order_by=request["order_by"], limit=request["limit"])
        records = [incoming({name: each.get(name) for name in request["fields"]}) for each in found]
        return Outcome(output_of(QueryOutput(count=len(records), records=records, first=records[0] if records else None)))


class UpdateRecord(OnSalesforce, ExternalAction):
    """Sets fields of a record, and remembers what was there."""

    contract = SALESFORCE_UPDATE

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Find the record of the account."""
        inputs = read_inputs(UpdateInput, work.call)
        return {"object": inputs.object, "id": await record_of(session, work, inputs.object, inputs.id), "set": outgoing(inputs.set)}

    async def look(self, work: Work, request: Inputs) -> JsonTree:
        """Read what is in the fields now."""
        return await self._now(work.run.tenant, request["object"], request["id"], list(request["set"]))

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Set the fields, and see what Salesforce made of the values."""
        client, before = await self.client(work.run.tenant), work.prior
        await client.update(request["object"], before["id"], request["set"])
        written = await self.read_back(work.run.tenant, request["object"], before["id"], request["set"])
        return _updated(before, written)

    async def find(self, work: Work, request: Inputs) -> Outcome | bool | None:
        """See whether the fields are what was wanted, or still what they were; if neither, somebody else was there too."""
        before = work.prior
        if before is None:
            return False  # the attempt broke off while it looked
        now = (await self._now(work.run.tenant, request["object"], before["id"], list(request["set"])))["fields"]
        if not differing(now, request["set"]):
            return _updated(before, now)
        return False if not differing(now, before["fields"]) else None

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Put back the values from before. A field that somebody changed since is left alone, unless forced."""
        request, prior = cast(Inputs, record.request), cast(Inputs | None, record.prior)
        if prior is None:
            return UndoResult(status="nothing", detail="no field was changed")
        return await self.put_back(tenant, request["object"], prior, _written(record), force=force)

    async def put_back(self, tenant: str, object_: str, before: Inputs, written: Inputs, *, force: bool) -> UndoResult:
        """Give fields their values from before."""
        client = await self.client(tenant)
        found = await client.find(object_, ["Id", *before["fields"]], {"Id": before["id"]}, limit=1)
        if not found:
            return UndoResult(status="nothing", detail="the record is gone")
        stray = [name for name in differing(found[0], before["fields"]) if not same(found[0].get(name), written.get(name))]
        conflicts = [] if force else stray
        restored = {name: before["fields"][name] for name in differing(found[0], before["fields"]) if name not in conflicts}
        if restored:
            await client.update(object_, before["id"], restored)
        if conflicts:
            return UndoResult(status="conflict", detail=f"changed by somebody since, and left alone: {', '.join(sorted(conflicts))}")
        return UndoResult(status="undone", detail=f"put back {', '.join(sorted(restored))}" if restored else "the values were back already")

    async def _now(self, tenant: str, object_: str, id_: str, names: list[str]) -> Inputs:
        client = await self.client(tenant)
        found = await client.record(object_, id_, names)
        return {"id": found["Id"], "fields": {name: found.get(name) for name in names}}


_OPPORTUNITY: Final[Mapping[str, str]] = {
    "stage": "StageName",
    "amount": "Amount",
    "close_date": "CloseDate",
    "probability": "Probability",
    "next_step": "NextStep",
}


class UpdateOpportunity(UpdateRecord):
    """Moves an opportunity on."""

    contract = SALESFORCE_OPPORTUNITY_UPDATE

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Gather the fields."""
        inputs = read_inputs(UpdateOpportunityInput, work.call)
        given = {theirs: getattr(inputs, ours) for ours, theirs in _OPPORTUNITY.items() if getattr(inputs, ours) is not None}
        if not given and not inputs.set:
            raise BadInput(f'step "{work.call.key}" says nothing to change; give "stage", "amount", "close_date" or fields under "set"')
        account = None if inputs.id else await linked_account(session, work)
        return {"object": "Opportunity", "id": inputs.id, "account": account, "set": outgoing({**given, **inputs.set})}

    async def look(self, work: Work, request: Inputs) -> JsonTree:
        """Find the account's only open opportunity where none is named, and read what is in its fields."""
        id_ = request["id"]
        if id_ is None:
            client = await self.client(work.run.tenant)
            open_ = await client.find("Opportunity", ["Id"], {"AccountId": request["account"], "IsClosed": False}, limit=2)
            if len(open_) != 1:
                found = "several open opportunities" if open_ else "no open opportunity"
                raise Rejected(f'the Salesforce account {request["account"]} has {found}; name one under "id"')
            id_ = open_[0]["Id"]
        return await self._now(work.run.tenant, "Opportunity", id_, list(request["set"]))


class UpsertRecord(UpdateRecord):
    """Sets fields of the record with an external id, and makes it where there is none."""

    contract = SALESFORCE_UPSERT

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Settle the values."""
        inputs = read_inputs(UpsertInput, work.call)
        return {"object": inputs.object, "by": inputs.by, "key": text_from(inputs.key), "set": outgoing(inputs.set)}

    async def look(self, work: Work, request: Inputs) -> JsonTree:
        """Read the record that is there, if any."""
        return await self._there(work.run.tenant, request)

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Make or change the record."""
        client = await self.client(work.run.tenant)
        id_, _ = await client.upsert(request["object"], request["by"], request["key"], request["set"])
        written = await self.read_back(work.run.tenant, request["object"], id_, request["set"])
        return _upserted(work.prior, {"id": id_, "fields": written})

    async def find(self, work: Work, request: Inputs) -> Outcome | bool | None:
        """See whether the record is what was wanted, or still what it was."""
        before = work.prior
        if before is None:
            return False  # the attempt broke off while it looked
        now = await self._there(work.run.tenant, request)
        if now["id"] is None:
            return False
        if not differing(now["fields"], request["set"]):
            return _upserted(before, now)
        return False if before["id"] == now["id"] and not differing(now["fields"], before["fields"]) else None

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Put back the values from before, or delete what was made."""
        request, prior = cast(Inputs, record.request), cast(Inputs | None, record.prior)
        if prior is None:
            return UndoResult(status="nothing", detail="no record was changed")
        if prior["id"] is not None:
            return await self.put_back(tenant, request["object"], prior, _written(record), force=force)
        now = await self._there(tenant, request)
        return await self.take_away(tenant, request["object"], now["id"], _written(record), force=force)

    async def _there(self, tenant: str, request: Inputs) -> Inputs:
        client = await self.client(tenant)
        names = list(request["set"])
        found = await client.find(request["object"], ["Id", *names], {request["by"]: request["key"]}, limit=2)
        if len(found) > 1:
            raise Rejected(f'several {request["object"]} records have {request["by"]} "{request["key"]}"; make the field unique')
        return {"id": found[0]["Id"] if found else None, "fields": {name: found[0].get(name) for name in names} if found else {}}


def _updated(before: Inputs, written: Inputs) -> Outcome:
    output = UpdateOutput(id=before["id"], changed=differing(written, before["fields"]))
    return Outcome(output_of(output), prior={**before, "written": written}, vendor_id=before["id"])


def _upserted(before: Inputs, now: Inputs) -> Outcome:
    output = UpsertOutput(id=now["id"], created=before["id"] is None)
    return Outcome(output_of(output), prior={**before, "written": now["fields"]}, vendor_id=now["id"])


def _written(record: EffectRecord) -> Inputs:
    """Give the values as Salesforce kept them; as they were sent where that was not seen."""
    request, prior = record.request, record.prior
    written: Any = prior.get("written") if isinstance(prior, dict) else None
    wanted: Any = request.get("set") if isinstance(request, dict) else None
    return written or wanted or {}
