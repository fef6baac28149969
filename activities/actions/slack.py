"""`slack.*`."""

from datetime import UTC, datetime
from typing import Any

from activities.connections import Connections
from activities.contracts import JsonTree, UndoResult
from activities.definitions.contract import ActionContract
from activities.definitions.slack import SLACK_DM, SLACK_POST, DirectInput, PostedOutput, PostInput
from activities.effects import Action, ExternalAction, Inputs, Outcome, Work
from activities.failures import Nobody
from activities.owners import resolve_owner
from activities.reading import output_of, read_inputs
from connectors.slack.vendor import SLACK, HistoryClosed, Posted
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
        return {"channel": None, "email": person.email, "name": person.name, "text": direct.text, "at": at}

    async def look(self, work: Work, request: Inputs) -> JsonTree:
        """Give the conversation: it is looked up once, and messages are found in it after a lost answer."""
        if request["email"] is None:
            return {"channel": request["channel"]}
        client = await self._connections.client(work.run.tenant, SLACK)
        channel = await client.direct(request["email"])
        if channel is None:
            raise Nobody(f"nobody in Slack has the e-mail address that {request['name']} has here (users_not_found)")
        return {"channel": channel}

    async def send(self, work: Work, request: Inputs) -> Outcome:
        """Post it."""
        client = await self._connections.client(work.run.tenant, SLACK)
        prior: Any = work.prior
        return _posted(await client.post(prior["channel"], request["text"], key=work.object_id))

    async def find(self, work: Work, request: Inputs) -> Outcome | bool | None:
        """Look for the message that carries our key. One that is not there may only not be listed yet: nobody can tell."""
        prior: Any = work.prior
        if prior is None:
            return False  # it was not sent before that was written down
        client = await self._connections.client(work.run.tenant, SLACK)
        try:
            made = await client.find(prior["channel"], work.object_id, datetime.fromisoformat(request["at"]))
        except HistoryClosed:
            return None
        return None if made is None else _posted(made)

    async def undo(self, tenant: str, record: EffectRecord, *, force: bool) -> UndoResult:
        """Delete the message, also one nobody heard of."""
        client = await self._connections.client(tenant, SLACK)
        request, prior = record.request, record.prior
        made = _known(record)
        if made is None and isinstance(prior, dict) and isinstance(request, dict):
            made = await client.find(str(prior["channel"]), record.key[:32], datetime.fromisoformat(str(request["at"])))
        gone = made is not None and await client.delete(made)
        return UndoResult(status="undone" if gone else "nothing", detail="deleted the message" if gone else "the message is not there")


def _posted(made: Posted) -> Outcome:
    vendor_id = f"{made.channel}/{made.ts}"
    return Outcome(output_of(PostedOutput(channel=made.channel, ts=made.ts)), vendor_id=vendor_id, live=f"slack:{vendor_id}")


def _known(record: EffectRecord) -> Posted | None:
    channel, _, ts = (record.vendor_id or "").partition("/")
    return Posted(channel, ts) if ts else None
