from __future__ import annotations

import pytest

from activities.failures import Nobody
from playbook_dsl.plan import Message
from storage.repositories.effects import effect_key, find_effect
from storage.repositories.tasks import find_task
from storage.repositories.timeline import list_notes
from storage.session import Database
from tests.activities.acting import TENANT, Postbox, call_of, ledger_of, make_account, run_of, undo_of

pytestmark = pytest.mark.servers


async def test_a_task_is_made_once_and_cancelled_by_the_undo(database: Database) -> None:
    ledger = ledger_of(database)
    call = call_of(
        run_of(await make_account(database)), "task.create", inputs={"title": "Call", "owner": ["csm"], "due": "3 business days"}
    )

    first = await ledger.perform(call)
    again = await ledger.perform(call)

    assert first == again
    assert first.output["owner"] == "maria"
    assert first.live == f"task:{first.output['task_id']}"
    assert (await ledger.undo(undo_of(call))).status == "undone"
    assert (await ledger.undo(undo_of(call))).status == "undone"
    async with database.begin(TENANT) as session:
        task = await find_task(session, first.output["task_id"])
    assert task is not None
    assert task.status == "cancelled"


async def test_a_note_is_added_once_and_removed_by_the_undo(database: Database) -> None:
    ledger = ledger_of(database)
    account = await make_account(database)
    call = call_of(run_of(account), "note.add", inputs={"text": "Health **dropped**"})

    await ledger.perform(call)
    await ledger.perform(call)
    async with database.begin(TENANT) as session:
        before = await list_notes(session, account)
    undone = await ledger.undo(undo_of(call))
    async with database.begin(TENANT) as session:
        after = await list_notes(session, account)

    assert (len(before.items), undone.status, len(after.items)) == (1, "undone", 0)


async def test_a_mail_is_rendered_for_the_account_and_sent_once(database: Database) -> None:
    postbox = Postbox()
    ledger = ledger_of(database, postbox)
    account = await make_account(database)
    message = Message(name="intro", channel="email", subject="Hello {{ contact.name }}", body="You pay **{{ account.mrr }}**.\n<b>x</b>")
    context = {"contact": {"name": "Ann"}, "account": {"mrr": {"$money": ["500", "EUR"]}}}
    call = call_of(run_of(account), "email.send", inputs={"to": "champion", "from": "csm"}, message=message, context=context)

    result = await ledger.perform(call)
    await ledger.perform(call)

    assert len(postbox.mails) == 1
    mail = postbox.mails[0]
    assert (mail.subject, mail.sender.address, mail.to[0].address) == ("Hello Ann", "maria@acme.example", f"ann@{account}.example")
    assert "<strong>500 EUR</strong>" in mail.html
    assert "&lt;b&gt;" in mail.html
    assert result.live == f"mail:{mail.message_id}"


async def test_nobody_to_write_to_is_an_error_before_anything_is_sent(database: Database) -> None:
    ledger = ledger_of(database)
    call = call_of(run_of(await make_account(database)), "email.send", inputs={"to": "exec", "subject": "s", "body": "b"})

    with pytest.raises(Nobody, match='every contact with the role "exec" opted out'):
        await ledger.perform(call)
    skipped = await ledger.perform(call.model_copy(update={"if_nobody": "skip"}))

    assert skipped.status == "skipped"


async def test_sealed_columns_of_the_ledger_do_not_show_what_they_hold(database: Database, owner_url: str) -> None:
    import asyncpg

    ledger = ledger_of(database)
    call = call_of(run_of(await make_account(database)), "note.add", inputs={"text": "a canary secret"})
    await ledger.perform(call)
    key = effect_key(TENANT, call.run.chain, call.key, 0)

    connection = await asyncpg.connect(owner_url)
    row = await connection.fetchrow("SELECT * FROM effect WHERE key = $1", key)
    await connection.close()
    async with database.begin(TENANT) as session:
        opened = await find_effect(session, key)

    assert row is not None
    assert all(b"canary" not in value for value in row.values() if isinstance(value, bytes))
    assert opened is not None
    assert opened.request == {"text": "a canary secret"}
