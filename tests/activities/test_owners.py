from __future__ import annotations

import asyncio

import pytest

from activities.contracts import AskCall, AskUpdate, JsonTree, TaskUpdate
from activities.failures import BadInput, Nobody
from activities.inbox import ask, update_ask, update_task
from activities.owners import resolve_each, resolve_owner
from storage.repositories.people import take_next_of_team
from storage.repositories.tasks import add_tasks, find_task, list_tasks, list_tasks_by_step
from storage.session import Database
from storage.tables import Task
from tests.activities.acting import TENANT, call_of, ledger_of, make_account, run_of, undo_of

pytestmark = pytest.mark.servers

RULES: dict[str, tuple[JsonTree, str]] = {
    "the CSM": ("csm", "maria"),
    "the CSM's manager": ("csm.manager", "vera"),
    "a role": ("role:vp_cs", "vera"),
    "a role written bare": ("vp_cs", "vera"),
    "a person": ("tom", "tom"),
    "an address": ("TOM@acme.example", "tom"),
    "a person as a value": ({"id": "tom", "name": "Tom"}, "tom"),
    "the first that resolves": (["role:none", "round_robin(none)", "zoe", "tom"], "tom"),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
async def test_an_owner_is_found_by_every_rule(database: Database, rule: tuple[JsonTree, str]) -> None:
    spec, expected = rule
    account = await make_account(database)
    async with database.begin(TENANT) as session:
        assert (await resolve_owner(session, account, spec)).id == expected


NOBODY: dict[str, tuple[JsonTree, str]] = {
    "no CSM": (["csm", "csm.manager"], "the account has no CSM; the account's CSM has no manager"),
    "an empty team": ("least_loaded(none)", 'the team "none" has no active members'),
    "a role nobody has": ("role:none", 'nobody has the role "none"'),
    "somebody who left": ("zoe", 'there is no active person or role "zoe"'),
    "nothing": (None, "no owner was named"),
}


@pytest.mark.parametrize("rule", NOBODY.values(), ids=NOBODY.keys())
async def test_nobody_is_an_error_that_says_why_and_nothing_is_made(database: Database, rule: tuple[JsonTree, str]) -> None:
    spec, why = rule
    account = await make_account(database, csm=None)
    inputs = {"title": "t", "owner": spec} if spec is not None else {"title": "t", "owner": []}

    with pytest.raises(Nobody, match=why.replace("(", r"\(").replace(")", r"\)")):
        await ledger_of(database).perform(call_of(run_of(account), "task.create", inputs=inputs))
    async with database.begin(TENANT) as session:
        assert (await list_tasks(session, account=account)).items == []


async def test_an_owner_that_is_no_spec_is_refused(database: Database) -> None:
    account = await make_account(database)
    async with database.begin(TENANT) as session:
        with pytest.raises(BadInput, match="is no owner"):
            await resolve_owner(session, account, 3)


async def test_round_robin_goes_around_the_active_members_also_at_the_same_moment(database: Database) -> None:
    await make_account(database)

    async def turn() -> str:
        async with database.begin(TENANT) as session:
            person = await take_next_of_team(session, "emea-cs")
            assert person is not None
            return person.id

    turns = await asyncio.gather(*(turn() for _ in range(6)))

    assert sorted(turns) == ["maria"] * 3 + ["tom"] * 3


async def test_the_least_loaded_gets_it(database: Database) -> None:
    account = await make_account(database)
    async with database.begin(TENANT) as session:
        for owner, others in (("maria", 30), ("tom", 2)):
            await add_tasks(
                session, [Task(id=f"{account}{owner}{n}", kind="task", account=account, title="t", owner=owner) for n in range(others)]
            )
        assert (await resolve_owner(session, account, "least_loaded(emea-cs)")).id == "tom"


async def test_everybody_of_a_role_is_asked_each_once(database: Database) -> None:
    account = await make_account(database)
    async with database.begin(TENANT) as session:
        people = await resolve_each(session, account, ["role:csm", "csm", "vera"])
        with pytest.raises(Nobody):
            await resolve_each(session, account, ["csm", "role:none"])

    assert [person.id for person in people] == ["maria", "tom", "vera"]


async def test_a_step_that_was_reviewed_can_be_held_too(database: Database) -> None:
    run = run_of(await make_account(database))
    review = AskCall(run=run, key="mail", kind="review", title="Send?", why="look at it", by=("vera",))
    await ask(database, review)
    await update_ask(database, AskUpdate(run=run, key="mail", do="close", reason="reviewed"))
    await ask(database, review.model_copy(update={"kind": "hold", "why": "it failed"}))
    async with database.begin(TENANT) as session:
        items = await list_tasks_by_step(session, run.chain, "mail", 0)

    assert {(item.kind, item.status) for item in items} == {("review", "cancelled"), ("hold", "open")}


async def test_asking_again_gives_the_items_that_are_there(database: Database) -> None:
    run = run_of(await make_account(database))
    call = AskCall(run=run, key="review", kind="approval", title="Send?", why="it is big", by=("round_robin(emea-cs)",))
    first, again = await ask(database, call), await ask(database, call)
    escalated = await ask(database, call.model_copy(update={"round": 1, "by": ("csm.manager",)}))
    await update_ask(database, AskUpdate(run=run, key="review", do="remind"))
    await update_ask(database, AskUpdate(run=run, key="review", do="close", reason="answered by Vera"))
    async with database.begin(TENANT) as session:
        items = await list_tasks_by_step(session, run.chain, "review", 0)

    assert first == again
    assert escalated.asked == ("vera",)
    assert {(item.status, item.reminders, item.outcome) for item in items} == {("cancelled", 1, "answered by Vera")}
    assert len(items) == 2


async def test_an_overdue_task_is_told_once_and_given_to_somebody_else(database: Database) -> None:
    run = run_of(await make_account(database))
    result = await ledger_of(database).perform(call_of(run, "task.create", "call", {"title": "Call", "owner": "csm"}))
    assert result.live is not None
    tell = TaskUpdate(run=run, key="call", task=result.live, do="tell", to=("csm.manager",))
    for update in (tell, tell, tell.model_copy(update={"do": "reassign", "to": ("tom",), "round": 1})):
        await update_task(database, update)
    async with database.begin(TENANT) as session:
        task = await find_task(session, result.output["task_id"])
        notices = [item for item in (await list_tasks(session, account=run.account, kind="notice")).items]

    assert task is not None
    assert task.owner == "tom"
    assert [(notice.owner, notice.title) for notice in notices] == [("vera", "Overdue: Call")]


async def test_open_tasks_follow_the_account_to_its_new_csm_and_back_unless_they_stay(database: Database) -> None:
    run = run_of(await make_account(database))
    ledger = ledger_of(database)
    kinds: dict[str, dict[str, JsonTree]] = {
        "follows": {"owner": ["csm", "tom"]},
        "stays": {"owner": "csm", "when_owner_changes": "stay"},
        "by_name": {"owner": "maria"},
    }
    tasks = {}
    for key, inputs in kinds.items():
        tasks[key] = (await ledger.perform(call_of(run, "task.create", key, {"title": key, **inputs}))).output["task_id"]

    async def owners() -> dict[str, str | None]:
        async with database.begin(TENANT) as session:
            found = {key: await find_task(session, task) for key, task in tasks.items()}
        return {key: task.owner for key, task in found.items() if task is not None}

    change = call_of(run, "account.update", "hand_over", {"set": {"csm": "tom"}})
    await ledger.perform(change)
    after_change = await owners()
    await ledger.undo(undo_of(change))

    assert after_change == {"follows": "tom", "stays": "maria", "by_name": "maria"}
    assert await owners() == {"follows": "maria", "stays": "maria", "by_name": "maria"}
