"""What tests of actions share: an account with people, calls of it, and a ledger with the real actions."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from activities.connections import Connections
from activities.contracts import ActionCall, RunInput, RunRef, UndoCall
from activities.effects import Ledger, Pause
from activities.registry import Dependencies, build_actions
from connectors.email.mail import Mail
from connectors.http.client import WebClient
from storage.repositories.accounts import save_accounts, save_contacts
from storage.repositories.people import save_people
from storage.session import Database
from storage.tables import Person

Loose: TypeAlias = Any
"""Whatever the model it is handed to says."""

TENANT = "acme"
PEOPLE = (
    Person(id="maria", name="Maria Lopez", email="maria@acme.example", roles=["csm"], teams=["emea-cs"], manager="vera"),
    Person(id="tom", name="Tom Okafor", email="tom@acme.example", roles=["csm"], teams=["emea-cs"], manager="vera"),
    Person(id="zoe", name="Zoe Lindt", email="zoe@acme.example", roles=["csm"], teams=["emea-cs"], manager="vera", active=False),
    Person(id="vera", name="Vera Blum", email="vera@acme.example", roles=["vp_cs"], teams=[]),
)


@dataclass
class Postbox:
    """A mailer that keeps what it gets, and can break off before or after taking it."""

    mails: list[Mail] = field(default_factory=list)
    can_tell: bool = False
    fails: list[Exception] = field(default_factory=list)

    async def send(self, mail: Mail) -> tuple[str, ...]:
        if self.fails:
            raise self.fails.pop(0)
        self.mails.append(mail)
        return ()

    async def find(self, message_id: str) -> bool | None:
        return any(mail.message_id == message_id for mail in self.mails) if self.can_tell else None


class NoPlays:
    """Nobody to start or to tell."""

    async def start(self, workflow_id: str, play: RunInput) -> None:
        raise AssertionError("nothing starts plays here")

    async def begin(self, workflow_id: str, play: RunInput) -> bool:
        raise AssertionError(workflow_id)

    async def cancel(self, workflow_id: str, request_id: str) -> bool:
        return False

    async def undo(self, workflow_id: str, request_id: str, *, force: bool, parent: str | None) -> bool:
        return False


async def make_account(database: Database, **columns: Loose) -> str:
    """An account with a champion, a user and one who opted out; its CSM is Maria."""
    account = f"A-{uuid.uuid4().hex[:10]}"
    row = {
        "id": account,
        "name": "ACME",
        "csm": "maria",
        "mrr": Decimal(500),
        "currency": "EUR",
        "stage": "live",
        "tags": ["vip"],
        **columns,
    }
    contacts = [
        {"id": f"{account}-1", "account": account, "name": "Ann", "email": f"ann@{account}.example", "roles": ["champion"], "opt_outs": []},
        {"id": f"{account}-2", "account": account, "name": "Bob", "email": f"bob@{account}.example", "roles": ["user"], "opt_outs": []},
        {
            "id": f"{account}-3",
            "account": account,
            "name": "Cat",
            "email": f"cat@{account}.example",
            "roles": ["user", "exec"],
            "opt_outs": ["email"],
        },
    ]
    async with database.begin(TENANT) as session:
        await save_people(session, PEOPLE)
        await save_accounts(session, [row])
        await save_contacts(session, contacts)
    return account


def run_of(account: str) -> RunRef:
    name = uuid.uuid4().hex[:12]
    return RunRef(tenant=TENANT, run_id=f"r{name}", chain=f"c{name}", playbook="demo", version=1, account=account)


def call_of(run: RunRef, action: str, key: str = "step", inputs: Mapping[str, Loose] | None = None, **keys: Loose) -> ActionCall:
    return ActionCall(run=run, key=key, title=f"Do {key}", action=action, inputs=dict(inputs or {}), **keys)


def undo_of(call: ActionCall, *, force: bool = False) -> UndoCall:
    return UndoCall(run=call.run, key=call.key, title=call.title, action=call.action, generation=call.generation, force=force)


def dependencies(database: Database, postbox: Postbox | None = None, **keys: Loose) -> Dependencies:
    keys.setdefault("connections", Connections(database))
    return Dependencies(database, NoPlays(), postbox or Postbox(), keys.pop("web", WebClient()), "playkeeper@acme.example", **keys)


def ledger_of(database: Database, postbox: Postbox | None = None, *, after_answer: Pause | None = None, **keys: Loose) -> Ledger:
    return Ledger(database, build_actions(dependencies(database, postbox, **keys)), after_answer=after_answer)
