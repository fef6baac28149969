"""`salesforce.create`, `salesforce.task.create`, `salesforce.case.create`: records made once, though Salesforce knows no repeated request.

Where the object has our external id field, the record is made by an upsert on it, which a second attempt repeats without harm. Where it has
none, a mark of ours stands in its description: a second attempt looks for it, and where it is not found, nobody can tell, so the record is
not made again.
"""

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from activities.actions.salesforce_records import OnSalesforce, linked_account
from activities.actions.salesforce_values import incoming, outgoing
from activities.contracts import JsonTree, UndoResult
from activities.definitions.salesforce import (
    SALESFORCE_CASE_CREATE,
    SALESFORCE_CREATE,
    SALESFORCE_TASK_CREATE,
    CreateCaseInput,
    CreateInput,
    CreateTaskInput,
    RecordOutput,
)
from activities.effects import ExternalAction, Inputs, Outcome, Work
from activities.failures import NotFound
from activities.owners import resolve_owner
from activities.reading import output_of, read_due, read_inputs
from connectors.errors import Rejected
from storage.calendars import calendar_of
from storage.repositories.accounts import find_account
from storage.repositories.effects import EffectRecord
from storage.repositories.tenants import find_tenant
from storage.session import Session

_MARKED: Final = "Description"
_TELLING: Final = ("Subject", "LastName", "Name")
_CLOCKS_APART: Final = timedelta(hours=1)


class _MakesRecord(OnSalesforce, ExternalAction):
    """Makes a record."""

    @abstractmethod
    async def settle(self, session: Session, work: Work) -> Inputs:
        """Give the `object`, the fields to `set`, and the `owner` it goes to, if one was named."""

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Settle the fields; the key is ours."""
        return {**await self.settle(session, work), "key": work.object_id, "asked_at": datetime.now(UTC).isoformat()}

    async def look(self, work: Work, request: Inputs) -> JsonTree:
        """See how the record can be known again, and who its owner is in Salesforce."""
        client = await self.client(work.run.tenant)
        fields = await client.fields(request["object"])
        key, marked = fields.get(client.external_id_field), fields.get(_MARKED)
        return {
            "by": client.external_id_field if key and key.external_id and key.createable else None,
            "marked": _MARKED if marked and marked.createable else None,
            "values": {**request["set"], **await self._owner(work, request)},
        }

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Make it."""
        client, before = await self.client(work.run.tenant), work.prior
        values = _with_mark(request, before)
        if before["by"]:
            id_, _ = await client.upsert(request["object"], before["by"], request["key"], values)
        else:
            id_ = await client.create(request["object"], values)
        return _made(request, before, id_, await self.read_back(work.run.tenant, request["object"], id_, values))

    async def find(self, work: Work, request: Inputs) -> Outcome | bool | None:
        """Look for the key, or for our mark."""
        before = work.prior
        if before is None:
            return False  # the attempt broke off while it looked
        id_ = await self._locate(work.run.tenant, request, before)
        if id_ is None:
            return False if before["by"] else None
        written = await self.read_back(work.run.tenant, request["object"], id_, _with_mark(request, before))
        return _made(request, before, id_, written)

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Delete the record, unless somebody changed it since."""
        request, prior = cast(Inputs, record.request), cast(Inputs | None, record.prior)
        if prior is None:
            return UndoResult(status="nothing", detail="no record was made")
        id_ = prior.get("id") or await self._locate(tenant, request, prior)
        return await self.take_away(tenant, request["object"], id_, prior.get("written") or _with_mark(request, prior), force=force)

    async def _locate(self, tenant: str, request: Inputs, before: Inputs) -> str | None:
        client, object_ = await self.client(tenant), request["object"]
        if before["by"]:
            found = await client.find(object_, ["Id"], {before["by"]: request["key"]}, limit=1)
            return found[0]["Id"] if found else None
        if not before["marked"]:
            return None
        # A description cannot be searched by, so the record is narrowed down by what can, and its description read.
        since = datetime.fromisoformat(request["asked_at"]) - _CLOCKS_APART
        where: dict[str, Any] = {"CreatedDate >=": since}
        where |= {name: request["set"][name] for name in _TELLING if isinstance(request["set"].get(name), str)}
        found = await client.find(object_, ["Id", before["marked"]], where, order_by=["CreatedDate desc"])
        return next((each["Id"] for each in found if _mark(request) in (each[before["marked"]] or "")), None)

    async def _owner(self, work: Work, request: Inputs) -> dict[str, JsonTree]:
        owner = request.get("owner")
        if owner is None:
            return {}
        client = await self.client(work.run.tenant)
        found = await client.find("User", ["Id"], {"Email": owner["email"], "IsActive": True}, limit=2)
        if len(found) != 1:
            many = "several active users" if found else "no active user"
            raise Rejected(f'Salesforce has {many} with the e-mail address of {owner["name"]}; name the user under "set" as OwnerId')
        return {"OwnerId": found[0]["Id"]}


def _mark(request: Inputs) -> str:
    return f"[Playkeeper {request['key'][:16]}]"


def _with_mark(request: Inputs, before: Inputs) -> Inputs:
    values: Inputs = before["values"]
    if before["by"] or not before["marked"]:
        return values
    text = str(values.get(before["marked"]) or "")
    return {**values, before["marked"]: f"{text}\n\n{_mark(request)}".strip()}


def _made(request: Inputs, before: Inputs, id_: str, written: Inputs) -> Outcome:
    output = RecordOutput(id=id_, object=request["object"], fields=incoming(written))
    return Outcome(output_of(output), prior={**before, "id": id_, "written": written}, vendor_id=id_)


async def _person(session: Session, work: Work, owner: JsonTree) -> JsonTree:
    if owner is None:
        return None
    person = await resolve_owner(session, work.run.account, owner)
    return {"name": person.name, "email": person.email}


class CreateRecord(_MakesRecord):
    """Makes a record of any object."""

    contract = SALESFORCE_CREATE

    async def settle(self, session: Session, work: Work) -> Inputs:
        """Gather the fields, the linked account among them where its field is named."""
        inputs = read_inputs(CreateInput, work.call)
        account = {inputs.account_field: await linked_account(session, work)} if inputs.account_field else {}
        return {"object": inputs.object, "set": outgoing({**account, **inputs.set})}


class CreateTask(_MakesRecord):
    """Puts a task on the account."""

    contract = SALESFORCE_TASK_CREATE

    async def settle(self, session: Session, work: Work) -> Inputs:
        """Gather the fields; a due moment becomes the day it is on in the account's zone."""
        inputs = read_inputs(CreateTaskInput, work.call)
        account = await find_account(session, work.run.account)
        if account is None:
            raise NotFound(f'there is no account "{work.run.account}"')
        calendar = calendar_of(account, await find_tenant(session))
        due_at = read_due(inputs.due, calendar) if inputs.due is not None else None
        given = {
            "Subject": inputs.subject,
            "Description": inputs.description or None,
            "Priority": inputs.priority,
            "Status": inputs.status,
            "ActivityDate": due_at.astimezone(calendar.tz).date().isoformat() if due_at else None,
            "WhatId": inputs.about or await linked_account(session, work),
            "WhoId": inputs.contact,
        }
        fields = {name: value for name, value in given.items() if value is not None}
        return {"object": "Task", "set": {**fields, **outgoing(inputs.set)}, "owner": await _person(session, work, inputs.owner)}


class CreateCase(_MakesRecord):
    """Opens a case for the account."""

    contract = SALESFORCE_CASE_CREATE

    async def settle(self, session: Session, work: Work) -> Inputs:
        """Gather the fields."""
        inputs = read_inputs(CreateCaseInput, work.call)
        given = {
            "Subject": inputs.subject,
            "Description": inputs.description or None,
            "Priority": inputs.priority,
            "Origin": inputs.origin,
            "AccountId": inputs.account or await linked_account(session, work),
            "ContactId": inputs.contact,
        }
        fields = {name: value for name, value in given.items() if value is not None}
        return {"object": "Case", "set": {**fields, **outgoing(inputs.set)}, "owner": await _person(session, work, inputs.owner)}
