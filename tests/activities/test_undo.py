"""Undo looks first: what a person changed since is left alone, unless forced."""

from __future__ import annotations

from decimal import Decimal

import pytest

from activities.contracts import JsonTree
from activities.failures import BadInput, NotFound
from storage.repositories.accounts import find_account, update_account
from storage.repositories.deliveries import list_due_deliveries, news_of
from storage.repositories.runs import add_run
from storage.repositories.tasks import close_task, find_task
from storage.repositories.tenants import add_custom_fields
from storage.repositories.timeline import change_cta, find_cta, find_note
from storage.session import Database
from storage.tables import Account, Cta, Note, Run
from tests.activities.acting import TENANT, call_of, ledger_of, make_account, run_of, undo_of

pytestmark = pytest.mark.servers


async def account_now(database: Database, account: str) -> Account:
    async with database.begin(TENANT) as session:
        found = await find_account(session, account)
    assert found is not None
    return found


async def cta_now(database: Database, cta: str) -> Cta:
    async with database.begin(TENANT) as session:
        found = await find_cta(session, cta)
    assert found is not None
    return found


async def test_an_account_gets_its_values_back(database: Database) -> None:
    account = await make_account(database)
    async with database.begin(TENANT) as session:
        await add_custom_fields(session, [{"name": "seats", "type": "number"}])
    ledger = ledger_of(database)
    wanted: dict[str, JsonTree] = {"stage": "at risk", "tags": ["vip", "save"], "mrr": {"$money": ["450", "EUR"]}, "custom.seats": 12}
    call = call_of(run_of(account), "account.update", inputs={"set": wanted})
    result = await ledger.perform(call)
    during = await account_now(database, account)
    undone = await ledger.undo(undo_of(call))
    after = await account_now(database, account)

    assert sorted(result.output["changed"]) == ["custom.seats", "mrr", "stage", "tags"]
    assert (during.stage, during.tags, during.mrr, during.custom) == ("at risk", ["vip", "save"], Decimal(450), {"seats": 12})
    assert undone.status == "undone"
    assert (after.stage, after.tags, after.mrr, after.custom) == ("live", ["vip"], Decimal(500), {})


async def test_a_field_that_a_person_changed_since_is_left_alone_and_told(database: Database) -> None:
    account = await make_account(database)
    ledger = ledger_of(database)
    call = call_of(run_of(account), "account.update", inputs={"set": {"stage": "at risk", "tier": "gold"}})
    await ledger.perform(call)
    async with database.begin(TENANT) as session:
        await update_account(session, account, {"stage": "escalated"}, by="maria")
    conflict = await ledger.undo(undo_of(call))
    left = await account_now(database, account)
    forced = await ledger.undo(undo_of(call, force=True))
    after = await account_now(database, account)

    assert (conflict.status, conflict.detail) == ("conflict", "changed by somebody since, and left alone: stage")
    assert (left.stage, left.tier) == ("escalated", None)
    assert (forced.status, after.stage) == ("undone", "live")


async def test_a_field_that_a_person_put_back_already_is_no_conflict(database: Database) -> None:
    account = await make_account(database)
    ledger = ledger_of(database)
    call = call_of(run_of(account), "account.update", inputs={"set": {"stage": "at risk"}})
    await ledger.perform(call)
    async with database.begin(TENANT) as session:
        await update_account(session, account, {"stage": "live"}, by="maria")

    assert (await ledger.undo(undo_of(call))).status == "undone"


WRONG_FIELDS: dict[str, tuple[JsonTree, str]] = {
    "stagee": ("x", 'did you mean "stage"'),
    "status": ("gone", "must be one of active, churned, paused, trial"),
    "zone": ("Mars/Base", "must be a time zone"),
    "mrr": (500, "must be an amount such as 500 EUR"),
    "csm": ("nobody", 'no active person "nobody"'),
    "custom.none": (1, 'your organisation has no field "none"'),
    "id": ("x", "a play may set"),
}


@pytest.mark.parametrize(("name", "value", "wrong"), [(name, *rest) for name, rest in WRONG_FIELDS.items()])
async def test_a_field_that_cannot_be_set_is_refused(database: Database, name: str, value: JsonTree, wrong: str) -> None:
    account = await make_account(database)

    with pytest.raises(BadInput, match=wrong):
        await ledger_of(database).perform(call_of(run_of(account), "account.update", inputs={"set": {name: value}}))


async def test_a_note_that_a_person_wrote_into_stays(database: Database) -> None:
    ledger = ledger_of(database)
    call = call_of(run_of(await make_account(database)), "note.add", inputs={"text": "one"})
    result = await ledger.perform(call)
    async with database.begin(TENANT) as session:
        note = await find_note(session, result.output["note_id"])
        assert isinstance(note, Note)
        note.text = "one, and more by Maria"

    assert (await ledger.undo(undo_of(call))).status == "conflict"
    assert (await ledger.undo(undo_of(call, force=True))).status == "undone"
    assert (await ledger.undo(undo_of(call))).status == "undone"


async def test_a_task_that_was_done_stays_done(database: Database) -> None:
    ledger = ledger_of(database)
    call = call_of(run_of(await make_account(database)), "task.create", inputs={"title": "t", "owner": "csm"})
    result = await ledger.perform(call)
    async with database.begin(TENANT) as session:
        task = await find_task(session, result.output["task_id"], lock=True)
        assert task is not None
        await close_task(session, task, "done", by="maria")
    undone = await ledger.undo(undo_of(call))

    assert (undone.status, undone.detail) == ("nothing", "the task was done by maria and stays done")


async def test_a_call_to_action_is_changed_closed_and_all_of_it_taken_back(database: Database) -> None:
    ledger, run = ledger_of(database), run_of(await make_account(database))
    opened = call_of(run, "cta.open", "flag", {"type": "risk", "priority": "high", "because": ["few logins", "no champion"]})
    cta = (await ledger.perform(opened)).output["cta_id"]
    changed = call_of(run, "cta.update", "raise", {"cta": cta, "priority": "critical", "owner": "csm.manager"})
    await ledger.perform(changed)
    closed = call_of(run, "cta.close", "unflag", {"cta": cta, "outcome": "saved"})
    await ledger.perform(closed)
    seen = await cta_now(database, cta)
    states = []
    for call in (closed, changed, opened):
        assert (await ledger.undo(undo_of(call))).status == "undone"
        now = await cta_now(database, cta)
        states.append((now.status, now.priority, now.owner, now.outcome))

    assert (seen.status, seen.priority, seen.owner, seen.outcome, seen.because) == (
        "closed",
        "critical",
        "vera",
        "saved",
        "- few logins\n- no champion",
    )
    assert states == [
        ("open", "critical", "vera", None),
        ("open", "high", "maria", None),
        ("closed", "high", "maria", "taken back with its play"),
    ]


async def test_a_call_to_action_that_a_person_changed_is_left_open(database: Database) -> None:
    ledger = ledger_of(database)
    call = call_of(run_of(await make_account(database)), "cta.open", inputs={"type": "risk"})
    cta = (await ledger.perform(call)).output["cta_id"]
    async with database.begin(TENANT) as session:
        await change_cta(session, cta, priority="low")

    assert (await ledger.undo(undo_of(call))).status == "conflict"
    assert (await cta_now(database, cta)).status == "open"


async def test_a_task_closed_by_another_play_is_told_to_its_own_and_opened_again_by_the_undo(database: Database) -> None:
    ledger, run = ledger_of(database), run_of(await make_account(database))
    async with database.begin(TENANT) as session:
        await add_run(
            session, Run(id=run.run_id, chain=run.chain, workflow_id="w1", account=run.account, playbook="demo", version=1), start={}
        )
    task = (await ledger.perform(call_of(run, "task.create", "call", {"title": "t", "owner": "csm"}))).output["task_id"]
    close = call_of(run_of(run.account), "task.complete", inputs={"task": task, "outcome": "done by phone"})
    await ledger.perform(close)
    async with database.begin(TENANT) as session:
        done = await find_task(session, task)
        told = [news_of(session, row) for row in await list_due_deliveries(session) if row.workflow_id == "w1"]
    undone = await ledger.undo(undo_of(close))
    async with database.begin(TENANT) as session:
        opened = await find_task(session, task)

    assert done is not None
    assert opened is not None
    assert (done.status, undone.status, opened.status) == ("done", "undone", "open")
    assert len(told) == 1
    news = told[0]
    assert isinstance(news, dict)
    assert (news["kind"], news["name"]) == ("object", f"task:{task}")
    assert isinstance(news["fields"], dict)
    assert (news["fields"]["status"], news["fields"]["outcome"]) == ("done", "done by phone")


@pytest.mark.parametrize(
    ("action", "inputs"),
    [("task.cancel", {"task": "none"}), ("cta.close", {"cta": "none"}), ("cta.update", {"cta": "none", "priority": "low"})],
)
async def test_what_is_not_there_cannot_be_changed(database: Database, action: str, inputs: dict[str, JsonTree]) -> None:
    with pytest.raises(NotFound, match='"none"'):
        await ledger_of(database).perform(call_of(run_of(await make_account(database)), action, inputs=inputs))


async def test_an_event_is_told_to_every_play_of_the_account_once(database: Database) -> None:
    ledger, run = ledger_of(database), run_of(await make_account(database))
    async with database.begin(TENANT) as session:
        for name, state in (("a", "running"), ("b", "waiting"), ("c", "closed")):
            row = Run(
                id=f"{run.run_id}{name}", chain="c", workflow_id=f"ev-{name}", account=run.account, playbook="p", version=1, state=state
            )
            await add_run(session, row, start={})
    call = call_of(run, "event.emit", inputs={"name": "review.finished", "fields": {"score": 4}})
    result = await ledger.perform(call)
    await ledger.perform(call)
    async with database.begin(TENANT) as session:
        told = sorted(row.workflow_id for row in await list_due_deliveries(session) if row.workflow_id.startswith("ev-"))

    assert (result.output["told"], told) == (2, ["ev-a", "ev-b"])
