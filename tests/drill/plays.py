"""The play of the drill: every kind of effect, side by side and one after another, with a wait; half of the plays fail at the end."""

from __future__ import annotations

from typing import Any

from activities.contracts import LoadedFacts, RunInput, RunRef
from playbook_dsl.plan import Plan
from storage.repositories.accounts import save_accounts, save_contacts
from storage.repositories.people import save_people
from storage.repositories.tenants import save_tenant
from storage.session import Database
from storage.tables import Person, Tenant

TENANT = "acme"
PLAYBOOK = "drill"
CSM = Person(id="maria", name="Maria Lopez", email="maria@acme.example", roles=["csm"], teams=["emea"])

_RETRY = {"attempts": 12, "first_s": 0.3, "factor": 1.5, "at_most_s": 5.0}
EXPECTED = {
    "note": "note.add",
    "order": "http.request",
    "both.call": "task.create",
    "both.mail": "email.send",
    "charge": "http.request",
    "last": "note.add",
}
"""The effects of a play that came to its end, by the ends of their step keys."""


def make_plan(host: str) -> Plan:
    """Give the plan, with the vendor at `host`."""

    def action(step_id: str, name: str, effect: str, inputs: dict[str, Any], **keys: object) -> dict[str, Any]:
        return {"kind": "action", "id": step_id, "title": step_id, "action": name, "effect": effect, "inputs": inputs, **keys}

    def request(method: str, path: str) -> dict[str, Any]:
        return {"method": method, "url": {"$text": [f"http://{host}/{path}/", {"$expr": "run.id"}]}}

    call = action("call", "task.create", "reversible", {"title": "Call", "owner": "csm"})
    mail = action("mail", "email.send", "irreversible", {"to": "champion", "subject": "Hello", "body": "We are here."})
    undo_order = {"by": "action", "action": "http.request", "inputs": request("DELETE", "orders")}
    steps = [
        action("note", "note.add", "reversible", {"text": "Started"}),
        action("order", "http.request", "compensable", request("PUT", "orders"), undo=undo_order),
        {"kind": "parallel", "id": "both", "branches": [{"name": "a", "steps": [call]}, {"name": "b", "steps": [mail]}]},
        {"kind": "wait", "id": "pause", "for": "1 second"},
        action("charge", "http.request", "irreversible", request("POST", "charges")),
        action("fails", "http.request", "read", request("PUT", "refused"), when="inputs.fails"),
        action("last", "note.add", "reversible", {"text": "Ended"}),
    ]
    inputs = [{"name": "fails", "type": "bool"}]
    return Plan.model_validate({"playbook": PLAYBOOK, "title": "Drill", "retry": _RETRY, "inputs": inputs, "steps": steps})


def make_input(plan: Plan, number: int) -> RunInput:
    """Give the input of play number `number`; every second one fails at its last but one step."""
    name = f"r{number:05}"
    run = RunRef(tenant=TENANT, run_id=name, chain=name, playbook=PLAYBOOK, version=1, account=account_of(number))
    facts = {"account": {"name": f"Account {number}", "csm": "maria"}}
    return RunInput(run=run, plan=plan, inputs={"fails": number % 2 == 1}, loaded=LoadedFacts(facts=facts))


def account_of(number: int) -> str:
    """Give the account of a play; there are fifty."""
    return f"A-{number % 50}"


async def fill(database: Database) -> None:
    """Write down the tenant, its people and fifty accounts with a champion each."""
    names = [account_of(number) for number in range(50)]
    accounts = [{"id": name, "name": name, "csm": "maria"} for name in names]
    contacts = [
        {"id": f"{name}-1", "account": name, "name": "Ann", "email": f"ann@{name}.example", "roles": ["champion"], "opt_outs": []}
        for name in names
    ]
    async with database.begin(TENANT) as session:
        await save_tenant(session, Tenant(id=TENANT, name="Acme", currency="EUR", zone="Europe/Berlin", country="DE"))
        await save_people(session, [CSM])
        await save_accounts(session, accounts)
        await save_contacts(session, contacts)
