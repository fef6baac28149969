"""The message that asks in Slack: sent once, whatever breaks off, and never in the way of the item."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete

from activities.contracts import AskCall
from activities.inbox import ask
from api.services.slack_desk import SlackDesk
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from connectors.slack.fake import FakeSlack
from connectors.slack.vendor import SLACK
from storage.repositories.connections import delete_connection, save_connection
from storage.repositories.slack_questions import change_question, find_question
from storage.repositories.tasks import close_task, find_task
from storage.repositories.vendor_limits import book
from storage.session import Database
from storage.tables import SlackQuestion
from storage.vendor_tables import VendorLimit
from tests.activities.acting import TENANT, make_account, run_of

pytestmark = pytest.mark.servers

POST = "chat.postMessage"


@pytest.fixture
def fake() -> FakeSlack:
    fake = FakeSlack()
    fake.add_user("maria@acme.example")
    return fake


@pytest.fixture
def desk(database: Database, fake: FakeSlack) -> Iterator[SlackDesk]:
    with serving(fake) as url:
        yield SlackDesk(database, url)


async def asked(database: Database, kind: str = "approval", credentials: dict[str, str] | None = None) -> str:
    """Connect, ask Maria twice as a retried activity does, and give the item."""
    async with database.begin(TENANT) as session:
        await save_connection(session, "slack", dict(credentials or SLACK.sandbox), account="a", saved_by="test")
        await session.execute(delete(VendorLimit))
    run = run_of(await make_account(database))
    call = AskCall(run=run, key=uuid.uuid4().hex, kind=kind, title="Shall we?", why="because", by=("maria",))
    first, again = await ask(database, call), await ask(database, call)
    assert first == again
    return first.items[0]


async def question(database: Database, item: str) -> SlackQuestion | None:
    async with database.begin(TENANT) as session:
        return await find_question(session, item)


async def state(database: Database, item: str) -> str | None:
    found = await question(database, item)
    return found.state if found else None


async def later(database: Database, item: str) -> None:
    """Let the pause be over."""
    async with database.begin(TENANT) as session:
        await change_question(session, item, due_at=datetime.now(UTC) - timedelta(seconds=1))


async def test_a_question_is_asked_once_by_however_many_processes(database: Database, desk: SlackDesk, fake: FakeSlack) -> None:
    item = await asked(database)

    await asyncio.gather(*(desk.ask_due(TENANT) for _ in range(5)))

    [message] = fake.all_messages()
    assert message["metadata"] == {"event_type": "playkeeper_effect", "event_payload": {"key": f"ask:{item}"}}
    assert await state(database, item) == "sent"


async def test_a_lost_answer_is_looked_for_and_not_repeated(database: Database, desk: SlackDesk, fake: FakeSlack) -> None:
    item = await asked(database)
    fake.faults.append(Fault("lost", path=POST))

    await desk.ask_due(TENANT)
    doubtful = await question(database, item)
    await desk.ask_due(TENANT)
    await later(database, item)
    await desk.ask_due(TENANT)

    [message] = fake.all_messages()
    found = await question(database, item)
    assert doubtful is not None
    assert (doubtful.state, doubtful.ts) == ("sending", None)
    assert found is not None
    assert (found.state, found.ts) == ("sent", message["ts"])


async def test_a_message_that_never_arrived_is_sent_after_a_look(database: Database, desk: SlackDesk, fake: FakeSlack) -> None:
    item = await asked(database)
    fake.faults.append(Fault("garbage", path=POST))

    for _ in range(2):
        await desk.ask_due(TENANT)
        await later(database, item)
    await desk.ask_due(TENANT)

    assert len(fake.all_messages()) == 1
    assert await state(database, item) == "sent"


async def test_a_conversation_that_cannot_be_read_is_not_written_to_twice(database: Database, desk: SlackDesk, fake: FakeSlack) -> None:
    item = await asked(database)
    closed = {"ok": False, "error": "missing_scope", "needed": "im:history"}
    fake.faults += [Fault("lost", path=POST), Fault("status", 200, {}, json.dumps(closed), path="history")]

    await desk.ask_due(TENANT)
    await later(database, item)
    await desk.ask_due(TENANT)

    assert len(fake.all_messages()) == 1
    assert await state(database, item) == "dropped"


@pytest.mark.parametrize("fault", [Fault("status", 429, {"Retry-After": "30"}, "", path=POST), Fault("status", 503, {}, "", path=POST)])
async def test_what_slack_did_not_take_is_sent_again_after_a_pause(
    database: Database, desk: SlackDesk, fake: FakeSlack, fault: Fault
) -> None:
    item = await asked(database)
    fake.faults.append(fault)

    await desk.ask_due(TENANT)
    waiting = await question(database, item)
    await later(database, item)
    await desk.ask_due(TENANT)

    assert waiting is not None
    assert waiting.state == "due"
    assert waiting.due_at is not None
    assert waiting.due_at > datetime.now(UTC)
    assert len(fake.all_messages()) == 1


async def test_a_question_waits_for_its_turn_when_the_allowance_is_used_up(database: Database, desk: SlackDesk, fake: FakeSlack) -> None:
    item = await asked(database)
    allowed = SLACK.allowance
    async with database.begin(TENANT) as session:
        for _ in range(allowed.burst + 60):  # a minute more than there is
            await book(session, "slack", datetime.now(UTC), interval=allowed.interval, burst=allowed.burst)

    await desk.ask_due(TENANT)
    sent_at_once, waiting = fake.all_messages(), await state(database, item)
    await later(database, item)
    await desk.ask_due(TENANT)

    assert (sent_at_once, waiting) == ([], "booked")
    assert (len(fake.all_messages()), await state(database, item)) == (1, "sent")


async def test_what_is_decided_before_it_was_sent_is_not_sent(database: Database, desk: SlackDesk, fake: FakeSlack) -> None:
    item = await asked(database)
    async with database.begin(TENANT) as session:
        task = await find_task(session, item, lock=True)
        assert task is not None
        await close_task(session, task, "done", by="maria", answers={"approved": True})
    await later(database, item)

    await desk.ask_due(TENANT)

    assert fake.all_messages() == []
    assert await state(database, item) == "dropped"


@pytest.mark.parametrize("gone", [False, True])
async def test_a_closed_question_says_so_also_where_the_message_was_deleted(
    database: Database, desk: SlackDesk, fake: FakeSlack, gone: bool
) -> None:
    item = await asked(database)
    await desk.ask_due(TENANT)
    if gone:
        fake.messages.clear()
    async with database.begin(TENANT) as session:
        task = await find_task(session, item, lock=True)
        assert task is not None
        await close_task(session, task, "cancelled", by=None, outcome="silence")
    untouched = await question(database, item)
    await later(database, item)
    await desk.ask_due(TENANT)

    assert untouched is not None
    assert untouched.due_at is not None
    assert [message["text"] for message in fake.all_messages()] == ([] if gone else ["Shall we?\nNo answer is needed any more: silence."])
    assert await state(database, item) == "told"


async def test_an_item_that_was_closed_while_its_message_was_on_its_way_is_rewritten(
    database: Database, desk: SlackDesk, fake: FakeSlack
) -> None:
    item = await asked(database)
    fake.faults.append(Fault("lost", path=POST))
    await desk.ask_due(TENANT)
    async with database.begin(TENANT) as session:
        task = await find_task(session, item, lock=True)
        assert task is not None
        await close_task(session, task, "done", by="maria", answers={"approved": False})
    await later(database, item)
    await desk.ask_due(TENANT)

    assert [message["text"] for message in fake.all_messages()] == ["Shall we?\nRejected by Maria Lopez."]


@pytest.mark.parametrize(
    ("kind", "credentials"),
    [("form", None), ("hold", None), ("approval", {"bot_token": "xoxb-sandbox"})],
    ids=["form", "hold", "no secret"],
)
async def test_only_approvals_are_asked_and_only_where_an_answer_can_come_back(
    database: Database, desk: SlackDesk, fake: FakeSlack, kind: str, credentials: dict[str, str] | None
) -> None:
    item = await asked(database, kind, credentials)

    await desk.ask_due(TENANT)

    assert fake.received == []
    assert await state(database, item) in (None, "dropped")


async def test_somebody_who_is_not_in_slack_is_asked_in_the_inbox_only(database: Database, desk: SlackDesk, fake: FakeSlack) -> None:
    fake.users.clear()
    item = await asked(database)

    await desk.ask_due(TENANT)

    assert await state(database, item) == "dropped"


async def test_who_is_not_connected_any_more_is_not_written_to(database: Database, desk: SlackDesk, fake: FakeSlack) -> None:
    item = await asked(database)
    async with database.begin(TENANT) as session:
        await delete_connection(session, "slack")

    await desk.ask_due(TENANT)

    assert fake.received == []
    assert await state(database, item) == "dropped"
