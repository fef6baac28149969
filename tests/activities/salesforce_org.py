"""An organisation at Salesforce's stand-in, and an account of ours that is linked to one there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from activities.connections import Connections
from activities.contracts import ActionCall, ActionResult
from activities.effects import Ledger
from connectors.errors import ConnectorError, Unavailable
from connectors.salesforce.fake import FakeSalesforce
from connectors.sandbox.faults import Fault
from storage.session import Database
from tests.activities.acting import call_of, run_of, undo_of

Inputs: TypeAlias = dict[str, Any]
ACCOUNT = "001000000000001AAA"


@dataclass
class World:
    """An account that is linked to one of Salesforce, and what plays do there."""

    fake: FakeSalesforce
    ledger: Ledger
    account: str
    database: Database
    connections: Connections
    troubles: list[ConnectorError] = field(default_factory=list)

    def call(self, action: str, inputs: Inputs) -> ActionCall:
        return call_of(run_of(self.account), f"salesforce.{action}", inputs=inputs)

    async def settle(self, call: ActionCall) -> ActionResult:
        """Come again as a play would."""
        for _ in range(4):
            try:
                return await self.ledger.perform(call)
            except Unavailable as trouble:
                self.troubles.append(trouble)
        raise AssertionError("it was never done")

    async def undo(self, call: ActionCall, *, force: bool = False) -> tuple[str, str]:
        result = await self.ledger.undo(undo_of(call, force=force))
        return result.status, result.detail or ""

    def sent(self, method: str, part: str = "/sobjects/") -> int:
        return len([each for each in self.fake.received if each.method == method and part in each.path])


def acme(world: World) -> dict[str, Any]:
    return world.fake.rows["Account"][ACCOUNT]


LOST = (Fault("lost", path="/sobjects/"), Fault("status", 500, path="/sobjects/"))
"""The answer is lost after the effect, and before it."""
