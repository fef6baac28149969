"""A button that was pressed in Slack answers the inbox item it belongs to, as the person whose e-mail address the Slack user has.

It goes the way of an answer in the inbox, so it is refused for the same reasons; who may not answer, or comes too late, is told so where
nobody else sees it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from api.plays import Plays
from api.problems import Problem, TaskClosed
from api.services.commands import Asking
from api.services.inbox import Inbox
from api.services.slack_desk import Item, SlackDesk, find_item
from connectors.errors import ConnectorError, RateLimited, Unavailable
from connectors.slack.questions import ANSWERS
from connectors.slack.vendor import Posted
from playbook_dsl.values import Json
from storage.repositories.events import change_event
from storage.repositories.slack_questions import find_question
from storage.session import Session
from storage.tables import SlackQuestion

if TYPE_CHECKING:
    from connectors.slack.client import Slack

log = structlog.get_logger()

PRESSED: Final = "slack.action"
LEASE: Final = timedelta(minutes=2)
"""How long nobody else looks at a press that somebody has begun to look at."""

_TRIED_FOR: Final = timedelta(minutes=15)
_PAUSE: Final = timedelta(seconds=5)
_IN_THE_INBOX: Final = "Please answer in Playkeeper's inbox."


@dataclass(frozen=True)
class Press:
    """A button of a question was pressed: by which Slack user, on which message."""

    event: str
    received_at: datetime
    item: str
    approved: bool
    user: str
    message: Posted


def press_of(event_id: str, received_at: datetime, fields: dict[str, Json]) -> Press | None:
    """Give the press that an event's fields tell of, None for a button that is not one of a question."""
    item, answer, user, message = (fields.get(name) for name in ("item", "answer", "user", "message_id"))
    if not (isinstance(item, str) and answer in ANSWERS.values() and isinstance(user, str) and isinstance(message, str)):
        return None
    channel, _, ts = message.partition("/")
    return Press(event_id, received_at, item, answer == "approve", user, Posted(channel, ts))


class _Refused(Exception):
    """The press changes nothing; the message is for who pressed."""


async def answer_press(desk: SlackDesk, plays: Plays, tenant: str, press: Press) -> None:
    """Let a press answer its item, and say what came of it. Again for the same press changes nothing."""
    async with desk.database.begin(tenant) as session:
        question, item = await find_question(session, press.item), await find_item(session, press.item)
    client = await desk.client(tenant)
    if item is None or client is None or not _is_of(question, press):
        log.warning("a button in Slack that belongs to no question was pressed", event_id=press.event)
        await _finish(desk, tenant, press, None)
        return
    refusal = None
    try:
        await _answer(desk, plays, tenant, client, item, press)
    except _Refused as refused:
        refusal = str(refused)
    except (ConnectorError, Problem) as error:
        if _passes(error) and datetime.now(UTC) - press.received_at < _TRIED_FOR:
            await _try_later(desk, tenant, press, error)
            return
        log.warning("an answer in Slack could not be taken", event_id=press.event, reason=type(error).__name__)
        why = str(error) if isinstance(error, ConnectorError) else error.detail
        refusal = f"Your answer could not be taken: {why.rstrip('.')}. {_IN_THE_INBOX}"
    await _say(desk, tenant, client, press, refusal)
    await _finish(desk, tenant, press, item)


def _is_of(question: SlackQuestion | None, press: Press) -> bool:
    """Whether the button is on the message that asked. Its time is not known yet while nobody has heard of its arrival."""
    return question is not None and question.channel == press.message.channel and question.ts in (None, press.message.ts)


async def _answer(desk: SlackDesk, plays: Plays, tenant: str, client: "Slack", item: Item, press: Press) -> None:
    task, owner = item.task, item.owner
    user = await client.user(press.user)
    if owner is None or not user.own or user.email is None or user.email.lower() != owner.email.lower():
        whose = owner.name if owner else "somebody else"
        raise _Refused(f"This is for {whose} to decide, and nothing was changed. {_unknown(user.email)}".rstrip())
    asking = Asking(tenant=tenant, by=owner.id, request_id="", reason="answered in Slack")
    try:
        await Inbox(desk.database, plays).answer(asking, task.id, {"approved": press.approved})
    except TaskClosed as closed:
        async with desk.database.begin(tenant) as session:
            now = await find_item(session, task.id)
        if now is not None and (now.task.closed_by, now.task.answers.get("approved")) == (owner.id, press.approved):
            return  # the same answer as before: pressed twice, or cut off after it was given
        is_closed = now is not None and now.task.status != "open"
        why = f"It is closed already. {await desk.outcome_of(tenant, now.task)}" if now is not None and is_closed else closed.detail
        raise _Refused(f"Nothing was changed. {why}") from closed
    except Problem as problem:
        if problem.status >= 500:
            raise
        raise _Refused(f"Nothing was changed. {problem.detail}") from problem


def _unknown(email: str | None) -> str:
    return "" if email else "Slack does not tell the app your e-mail address; it needs the scope users:read.email."


async def _say(desk: SlackDesk, tenant: str, client: "Slack", press: Press, refusal: str | None) -> None:
    """Tell who pressed what is wrong, and let the message of a closed item say what was decided. Neither matters enough to fail."""
    try:
        if refusal is not None:
            await client.whisper(press.message.channel, press.user, refusal)
    except ConnectorError as error:
        log.warning("who pressed a button in Slack could not be told", event_id=press.event, reason=type(error).__name__)
    async with desk.database.begin(tenant) as session:
        item = await find_item(session, press.item)
    if item is None or item.task.status == "open":
        return
    try:
        await desk.rewrite(client, tenant, item, press.message)
    except ConnectorError as error:  # the relay comes back to it
        log.warning("a question in Slack could not be rewritten", event_id=press.event, reason=type(error).__name__)


def _passes(error: ConnectorError | Problem) -> bool:
    return isinstance(error, RateLimited | Unavailable) if isinstance(error, ConnectorError) else error.status >= 500


async def _try_later(desk: SlackDesk, tenant: str, press: Press, error: Exception) -> None:
    log.warning("an answer in Slack is taken later", event_id=press.event, reason=type(error).__name__)
    pause = max(_PAUSE, error.retry_after or _PAUSE) if isinstance(error, RateLimited) else _PAUSE
    async with desk.database.begin(tenant) as session:
        await change_event(session, press.event, due_at=datetime.now(UTC) + pause)


async def _finish(desk: SlackDesk, tenant: str, press: Press, item: Item | None) -> None:
    async with desk.database.begin(tenant) as session:
        await _settled(session, press, item)


async def _settled(session: Session, press: Press, item: Item | None) -> None:
    run = 1 if item is not None and item.task.run else 0
    await change_event(session, press.event, account=item.task.account if item else None, matched=run, due_at=None)
