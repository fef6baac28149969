"""What the actions of Salesforce share: the client, whose record it is, and deleting what was made."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from activities.actions.salesforce_values import differing
from activities.connections import Connections
from activities.contracts import JsonTree, UndoResult
from activities.effects import Inputs, Work
from activities.failures import BadInput, NotFound
from connectors.errors import ConnectorError
from connectors.salesforce.vendor import SALESFORCE
from connectors.vendor import Vendor
from storage.repositories.connections import find_link
from storage.session import Session

if TYPE_CHECKING:
    from connectors.salesforce.client import Salesforce

WATCHED: Final[Mapping[str, tuple[str, ...]]] = {"Task": ("Status",), "Case": ("Status",), "Opportunity": ("StageName",)}
"""Fields that tell that somebody worked on a record we made, though we did not set them."""


class OnSalesforce:
    """An action that goes to Salesforce."""

    vendor: Vendor[Any] | None = SALESFORCE

    def __init__(self, connections: Connections) -> None:
        """Go through these connections."""
        self._connections = connections

    async def client(self, tenant: str) -> "Salesforce":
        """Give the tenant's client."""
        return await self._connections.client(tenant, SALESFORCE)

    async def read_back(self, tenant: str, object_: str, id_: str, sent: Inputs) -> Inputs:
        """Give what Salesforce made of values just sent, so that an undo can tell its changes from people's."""
        names = list(dict.fromkeys([*sent, *WATCHED.get(object_, ())]))
        try:
            client = await self.client(tenant)
            found = await client.record(object_, id_, names)
        except ConnectorError:
            return sent  # the effect is done; its undo compares with what was asked for
        return {name: found.get(name) for name in names}

    async def take_away(self, tenant: str, object_: str, id_: str | None, written: Inputs, *, force: bool) -> UndoResult:
        """Delete a record that was made, unless somebody changed it since."""
        client = await self.client(tenant)
        found = await client.find(object_, ["Id", *written], {"Id": id_}, limit=1) if id_ else []
        if not found:
            return UndoResult(status="nothing", detail="the record is not there")
        changed = differing(found[0], written)
        if changed and not force:
            return UndoResult(status="conflict", detail=f"changed by somebody since, and left alone: {', '.join(sorted(changed))}")
        await client.delete(object_, found[0]["Id"])
        return UndoResult(status="undone", detail="deleted the record")


async def record_of(session: Session, work: Work, object_: str, named: str | None) -> JsonTree:
    """Give the record an action is about: the named one, or the linked account.

    Raises:
        BadInput: the object is not the account, and none is named.
        NotFound: the account is linked to none.
    """
    if named:
        return named
    if object_ != "Account":
        raise BadInput(f'step "{work.call.key}": which {object_}? Name its id under "id"; only the Account is known by itself')
    return await linked_account(session, work)


async def linked_account(session: Session, work: Work) -> str:
    """Give the Salesforce account that is linked to the play's account.

    Raises:
        NotFound: there is none.
    """
    found = await find_link(session, SALESFORCE.name, "Account", account=work.run.account)
    if found is None:
        raise NotFound(f'account "{work.run.account}" is linked to no Salesforce account; name the record, or link the account')
    return found
