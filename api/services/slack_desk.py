"""Asks people in Slack what an inbox item asks them, once, and lets the message say what was decided.

Runs with the relay. The item is in the inbox whatever becomes of the message: no trouble of Slack's goes any further than this.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable
from connectors.slack.questions import Asked, outcome_in_words, question
from connectors.slack.vendor import SLACK, Posted, SlackCredentials
from connectors.vendor import CredentialsMalformed
from storage.repositories.accounts import find_account
from storage.repositories.connections import open_connection
from storage.repositories.people import find_person, list_people_by_ids
from storage.repositories.slack_questions import change_question, claim_question
from storage.repositories.tasks import find_task
from storage.repositories.vendor_limits import book, note_failure, note_success
from storage.session import Database, Session
from storage.tables import Person, SlackQuestion, Task

if TYPE_CHECKING:
    from connectors.slack.client import Slack

log = structlog.get_logger()

WITHIN_S: Final = 150.0
_LEASE: Final = timedelta(seconds=200)
# Slack lists a message at once; our own time-out ends long before this.
_IN_DOUBT: Final = timedelta(seconds=60)
_LONGEST_PAUSE_S: Final = 300.0
_SOON: Final = timedelta(milliseconds=50)
_MOST_ATTEMPTS: Final = 60


@dataclass(frozen=True)
class Item:
    """An inbox item, whom it asks, and the account it is about in words."""

    task: Task
    owner: Person | None
    account: str


class SlackDesk:
    """What Playkeeper does in Slack by itself."""

    def __init__(self, database: Database, sandbox_url: str | None = None) -> None:
        """Use this database; with `sandbox_url` the stand-in instead of Slack."""
        self.database = database
        self._sandbox_url = f"{sandbox_url}/{SLACK.name}" if sandbox_url else None

    async def client(self, tenant: str) -> "Slack | None":
        """Give a client if the tenant is connected to Slack with a signing secret: only then can answers come back."""
        async with self.database.begin(tenant) as session:
            found = await open_connection(session, SLACK.name)
        if found is None:
            return None
        try:
            credentials = SLACK.read_credentials(found.credentials)
        except CredentialsMalformed:
            return None
        if not isinstance(credentials, SlackCredentials) or credentials.signing_secret is None:
            return None
        return await asyncio.to_thread(SLACK.open, credentials, self._sandbox_url)  # the first one imports the SDK

    async def ask_due(self, tenant: str) -> None:
        """Send what is to be sent, and rewrite what has been decided, one after the other. Several processes at once do no harm."""
        while True:
            async with self.database.begin(tenant) as session:
                claimed = await claim_question(session, datetime.now(UTC), _LEASE)
            if claimed is None:
                return
            try:
                async with asyncio.timeout(WITHIN_S):
                    await self._advance(tenant, claimed)
            except ConnectorError as error:
                await self._put_off(tenant, claimed, error)
            except TimeoutError:
                log.warning("question in Slack put off", task=claimed.task, reason="TimeoutError")

    async def rewrite(self, client: "Slack", tenant: str, item: Item, posted: Posted) -> None:
        """Let the message of a closed item say who decided what.

        Raises:
            ConnectorError: Slack refused or cannot be reached.
        """
        task = item.task
        await client.rewrite(posted, Asked(task.title).closed(await self.outcome_of(tenant, task)))
        await self._change(tenant, task.id, state="told", due_at=None, channel=posted.channel, ts=posted.ts)

    async def outcome_of(self, tenant: str, task: Task) -> str:
        """Say of a closed item who decided what."""
        async with self.database.begin(tenant) as session:
            by = await find_person(session, task.closed_by) if task.closed_by else None
        return outcome_in_words(task.status, task.answers.get("approved"), task.outcome, by.name if by else task.closed_by)

    async def _advance(self, tenant: str, asked: SlackQuestion) -> None:
        async with self.database.begin(tenant) as session:
            item = await find_item(session, asked.task)
        client = await self.client(tenant)
        if item is None or item.owner is None or client is None:
            await self._change(tenant, asked.task, state="dropped", due_at=None)
        elif asked.state == "sent" and asked.channel and asked.ts:
            await self._rewrite_if_closed(client, tenant, item, Posted(asked.channel, asked.ts))
        elif asked.state == "sending" and asked.channel:
            made = await client.find(asked.channel, _key(asked), asked.created_at)
            await (self._sent(tenant, asked, made) if made else self._send(client, tenant, asked, item))
        else:
            await self._send(client, tenant, asked, item)

    async def _rewrite_if_closed(self, client: "Slack", tenant: str, item: Item, posted: Posted) -> None:
        if item.task.status == "open":
            await self._change(tenant, item.task.id, due_at=None)
        else:
            await self.rewrite(client, tenant, item, posted)

    async def _send(self, client: "Slack", tenant: str, asked: SlackQuestion, item: Item) -> None:
        task = item.task
        if task.status != "open" or item.owner is None:
            await self._change(tenant, task.id, state="dropped", due_at=None)
            return
        if not await self._has_turn(tenant, asked):
            return
        channel = asked.channel or await client.direct(item.owner.email)
        if channel is None:
            log.info("question not asked in Slack: nobody there has the person's address", task=task.id)
            await self._change(tenant, task.id, state="dropped", due_at=None)
            return
        # Written before it is attempted: whoever comes after an attempt that broke off looks for the message first.
        await self._change(tenant, task.id, state="sending", channel=channel)
        blocks = question(task.id, Asked(task.title, task.why, item.account, task.due_at))
        made = await client.post(channel, task.title, key=_key(asked), blocks=blocks)
        await self._sent(tenant, asked, made)

    async def _has_turn(self, tenant: str, asked: SlackQuestion) -> bool:
        """Count the message against the allowance; one that must wait for its turn is looked at again then."""
        if asked.state == "booked":
            return True
        now, allowed = datetime.now(UTC), SLACK.allowance
        async with self.database.begin(tenant) as session:
            booking = await book(session, SLACK.name, now, interval=allowed.interval, burst=allowed.burst)
            if booking.at - now <= _SOON:
                return True
            await change_question(session, asked.task, state="booked", due_at=booking.at)
        return False

    async def _sent(self, tenant: str, asked: SlackQuestion, made: Posted) -> None:
        async with self.database.begin(tenant) as session:
            await change_question(session, asked.task, state="sent", channel=made.channel, ts=made.ts, attempts=0, due_at=None)
            await note_success(session, SLACK.name)
            # Closed meanwhile: whoever closed it could not know of the message.
            task = await find_task(session, asked.task)
            if task is not None and task.status != "open":
                await change_question(session, asked.task, due_at=datetime.now(UTC))

    async def _put_off(self, tenant: str, asked: SlackQuestion, error: ConnectorError) -> None:
        log.warning("question in Slack put off", task=asked.task, reason=type(error).__name__, in_doubt=error.maybe_done)
        now = datetime.now(UTC)
        async with self.database.begin(tenant) as session:
            if isinstance(error, Unavailable):
                await note_failure(session, SLACK.name, now, breaks_after=SLACK.breaks_after)
            if isinstance(error, Rejected | NotAuthorized) or asked.attempts >= _MOST_ATTEMPTS:
                await change_question(session, asked.task, state="told" if asked.state == "sent" else "dropped", due_at=None)
                return
            # What was in doubt stays so, until the message is found or seen to be missing.
            doubtful = error.maybe_done or asked.state in ("sent", "sending")
            pause = _IN_DOUBT if error.maybe_done else timedelta(seconds=min(2.0**asked.attempts, _LONGEST_PAUSE_S))
            if isinstance(error, RateLimited) and error.retry_after is not None:
                pause = error.retry_after
            await change_question(session, asked.task, due_at=now + pause, **({} if doubtful else {"state": "due"}))

    async def _change(self, tenant: str, task: str, **changes: object) -> None:
        async with self.database.begin(tenant) as session:
            await change_question(session, task, **changes)


async def find_item(session: Session, task_id: str) -> Item | None:
    """Give an inbox item with whom it asks."""
    task = await find_task(session, task_id)
    if task is None:
        return None
    people = await list_people_by_ids(session, [task.owner]) if task.owner else []
    account = await find_account(session, task.account)
    owner = next((person for person in people if person.active), None)
    return Item(task, owner, f"{account.name} ({account.id})" if account else task.account)


def _key(asked: SlackQuestion) -> str:
    return f"ask:{asked.task}"
