"""`slack.*`."""

from datetime import UTC, datetime
from typing import Any

from activities.connections import Connections
from activities.contracts import JsonTree, UndoResult
from activities.definitions.contract import ActionContract
from activities.definitions.slack import SLACK_DM, SLACK_POST, DirectInput, PostedOutput, PostInput
from activities.effects import Action, ExternalAction, Inputs, Outcome, Work
from activities.owners import resolve_owner
from activities.reading import output_of, read_inputs
from connectors.errors import Rejected
from connectors.slack.vendor import SLACK
from storage.repositories.effects import EffectRecord
from storage.session import Session


def slack_actions(connections: Connections) -> tuple[Action, ...]:
    """Give every action of Slack."""
    return (PostMessage(connections, SLACK_POST), PostMessage(connections, SLACK_DM))


class PostMessage(ExternalAction):
    """Posts a message in a channel, or to one of us."""

    vendor = SLACK

    def __init__(self, connections: Connections, contract: ActionContract) -> None:
        """Post through these connections, to what the contract says."""
        self._connections = connections
        self.contract = contract

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Settle where it goes."""
        at = datetime.now(UTC).isoformat()
        if self.contract is SLACK_POST:
            posted = read_inputs(PostInput, work.call)
            return {"channel": posted.channel, "email": None, "text": posted.text, "at": at}
        direct = read_inputs(DirectInput, work.call)
        person = await resolve_owner(session, work.run.account, direct.to)
        return {"channel": None, "email": person.email, "text": direct.text, "at": at}

    async def look(self, work: Work, request: Inputs) -> JsonTree:
        """Give the id of the conversation: it is looked up once, and messages are found in it after a lost answer."""
        client = await self._connections.client(work.run.tenant, SLACK)
        if request["email"] is not None:
            return {"channel": await client.direct(request["email"])}
        return {"channel": request["channel"]}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Post it."""
        client = await self._connections.client(work.run.tenant, SLACK)
        prior: Any = work.prior
        return _posted(await client.post(prior["channel"], request["text"], work.object_id))

    async def find(self, work: Work, request: Inputs) -> Outcome | bool | None:
        """Look for the message that carries our key. One that is not there may only not be listed yet: nobody can tell.

        Slack gives a channel's messages by id only, so those of a channel that was written with its name cannot be looked for.
        """
        prior: Any = work.prior
        if prior is None:
            return False  # it was not sent before that was written down
        if str(prior["channel"]).startswith("#"):
            return None
        client = await self._connections.client(work.run.tenant, SLACK)
        made = await client.find(prior["channel"], work.object_id, datetime.fromisoformat(request["at"]))
        return None if made is None else _posted(made)

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Delete the message, also one nobody heard of."""
        client = await self._connections.client(tenant, SLACK)
        request, result, prior = record.request, record.result, record.prior
        made: Any = result.get("output") if isinstance(result, dict) else None
        if not made and isinstance(prior, dict) and isinstance(request, dict) and not str(prior["channel"]).startswith("#"):
            made = await client.find(str(prior["channel"]), record.key[:32], datetime.fromisoformat(str(request["at"])))
        if not made and isinstance(prior, dict) and str(prior["channel"]).startswith("#"):
            raise Rejected("nobody can tell whether the message was posted; look in the channel, and delete it there")
        gone = bool(made) and await client.delete(str(made["channel"]), str(made["ts"]))
        return UndoResult(status="undone" if gone else "nothing", detail="deleted the message" if gone else "the message is not there")


def _posted(made: dict[str, Any]) -> Outcome:
    return Outcome(output_of(PostedOutput(channel=made["channel"], ts=made["ts"])), vendor_id=f"{made['channel']}/{made['ts']}")
