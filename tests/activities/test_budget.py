"""Nobody gets more messages than their budget allows, however many plays send at once; who waits goes in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from activities.contracts import ActionCall, RunRef, Sending
from activities.effects import Ledger
from activities.failures import OverBudget
from connectors.errors import Rejected, Unavailable
from enrollment.budget import read_budgets
from storage.repositories.runs import add_run
from storage.repositories.tenants import change_settings
from storage.repositories.touches import list_waiting
from storage.session import Database
from storage.tables import Run
from storage.touch_tables import Touch
from tests.activities.acting import TENANT, Loose, Postbox, call_of, ledger_of, make_account, run_of

pytestmark = pytest.mark.servers

MAIL = {"to": "champion", "subject": "Hello", "body": "Good morning"}


def mail(
    run: RunRef, budget: str | None = "3 per 14 days", *, key: str = "mail", per: str = "contact", to: Loose = "champion", **sending: Loose
) -> ActionCall:
    budgets = read_budgets({"email": budget, "per": per}) if budget else {}
    inputs = {**MAIL, "to": to}
    return call_of(run, "email.send", key, inputs, sending=Sending(channel="email", budget=budgets, **sending))


async def sent(ledger: Ledger, calls: Sequence[ActionCall]) -> list[OverBudget | None]:
    """Perform calls at once; give for each that it was sent (None) or must wait."""

    async def one(call: ActionCall) -> OverBudget | None:
        try:
            await ledger.perform(call)
        except OverBudget as over:
            return over
        return None

    return list(await asyncio.gather(*(one(call) for call in calls)))


async def touches(database: Database, account: str) -> list[Touch]:
    async with database.begin(TENANT) as session:
        return list((await session.execute(select(Touch).where(col(Touch.account) == account))).scalars())


async def grow_older(database: Database, account: str, by: timedelta) -> None:
    async with database.begin(TENANT) as session:
        await session.execute(update(Touch).where(col(Touch.account) == account).values(at=col(Touch.at) - by))


async def write_run(database: Database, run: RunRef, *, state: str = "running") -> None:
    async with database.begin(TENANT) as session:
        row = Run(
            id=run.run_id, chain=run.chain, workflow_id=f"w-{run.run_id}", account=run.account, playbook="demo", version=1, state=state
        )
        await add_run(session, row, start={})


async def test_of_twenty_at_once_exactly_as_many_leave_as_the_budget_allows(database: Database) -> None:
    postbox, account = Postbox(), await make_account(database)
    ledger = ledger_of(database, postbox)
    found = await sent(ledger, [mail(run_of(account)) for _ in range(20)])
    waits = [over for over in found if over is not None]
    again = await sent(ledger, [mail(run_of(account)) for _ in range(5)])

    assert len(postbox.mails) == 3
    assert len(waits) == 17
    assert None not in again
    assert len(await touches(database, account)) == 3
    assert all("Ann has had 3 e-mails in 14 days" in over.why for over in waits)
    assert all(timedelta(days=13, hours=23) < over.until - datetime.now(UTC) < timedelta(days=14, minutes=1) for over in waits)


async def test_a_message_to_another_contact_or_by_another_playbook_without_a_budget_is_not_held_back(database: Database) -> None:
    postbox, account = Postbox(), await make_account(database)
    ledger = ledger_of(database, postbox)
    first = await sent(ledger, [mail(run_of(account), "1 per week")])
    others = await sent(
        ledger,
        [mail(run_of(account), "1 per week", to="user"), mail(run_of(account), None), call_of(run_of(account), "email.send", inputs=MAIL)],
    )
    second = await sent(ledger, [mail(run_of(account), "4 per week"), mail(run_of(account), "3 per week")])

    assert first == [None]
    assert others == [None] * 3
    assert second[0] is None
    assert second[1] is not None
    assert "Ann has had 4 e-mails in 1 week" in second[1].why or "Ann has had 3 e-mails in 1 week" in second[1].why


async def test_a_budget_of_the_account_counts_a_message_to_several_people_once(database: Database) -> None:
    postbox, account = Postbox(), await make_account(database)
    ledger = ledger_of(database, postbox)
    both = mail(run_of(account), "2 per week", per="account", to=["all(champion)"])
    found = [*(await sent(ledger, [both])), *(await sent(ledger, [mail(run_of(account), "2 per week", per="account", to="user")]))]
    third = (await sent(ledger, [mail(run_of(account), "2 per week", per="account", to="user")]))[0]

    assert found == [None, None]
    assert third is not None
    assert "the account has had 2 e-mails in 1 week" in third.why


async def test_the_tenants_default_holds_for_playbooks_that_say_nothing(database: Database) -> None:
    postbox, account = Postbox(), await make_account(database)
    ledger = ledger_of(database, postbox)
    async with database.begin(TENANT) as session:
        await change_settings(session, {"budget": read_budgets({"email": "1 per month"})})
    try:
        silent = await sent(ledger, [mail(run_of(account), None) for _ in range(4)])
        own = await sent(ledger, [mail(run_of(account), "2 per month")])
    finally:
        async with database.begin(TENANT) as session:
            await change_settings(session, {"budget": {}})

    assert silent.count(None) == 1
    assert own == [None]
    assert len(postbox.mails) == 2


@pytest.mark.parametrize(
    ("error", "counts"),
    [(Rejected("no such mailbox"), 0), (Unavailable("down"), 0), (Unavailable("broke off", maybe_done=True), 1)],
)
async def test_what_failed_does_not_count_and_what_is_in_doubt_does(database: Database, error: Exception, counts: int) -> None:
    account = await make_account(database)
    ledger = ledger_of(database, Postbox(fails=[error]))
    with pytest.raises(type(error)):
        await ledger.perform(mail(run_of(account)))

    assert len(await touches(database, account)) == counts


async def test_a_message_that_was_not_there_when_looked_for_is_counted_when_it_leaves(database: Database) -> None:
    account = await make_account(database)
    postbox = Postbox(can_tell=True, fails=[Unavailable("broke off", maybe_done=True)])
    ledger, call = ledger_of(database, postbox), mail(run_of(account), "1 per 14 days")
    with pytest.raises(Unavailable):
        await ledger.perform(call)
    await grow_older(database, account, timedelta(days=15))
    other = await sent(ledger, [mail(run_of(account), "1 per 14 days")])
    again = await sent(ledger, [call])
    await grow_older(database, account, timedelta(days=15))
    at_last = await sent(
        ledger, [call.model_copy(update={"sending": Sending.model_validate({**dict(call.sending or {}), "waited": True})})]
    )

    assert other == [None]
    assert again[0] is not None
    assert at_last == [None]
    assert len(postbox.mails) == 2


async def test_after_its_wait_a_message_leaves_and_opt_outs_still_win(database: Database) -> None:
    postbox, account = Postbox(), await make_account(database)
    ledger, call = ledger_of(database, postbox), mail(run_of(account), "1 per 14 days")
    await sent(ledger, [mail(run_of(account), "1 per 14 days")])
    assert (await sent(ledger, [call]))[0] is not None
    await grow_older(database, account, timedelta(days=14))
    waited = mail(call.run, "1 per 14 days", waited=True)

    assert await sent(ledger, [waited]) == [None]
    assert len(postbox.mails) == 2
    async with database.begin(TENANT) as session:
        assert await list_waiting(session, account) == []


async def test_the_more_urgent_goes_first_and_then_the_older(database: Database) -> None:
    postbox, account = Postbox(), await make_account(database)
    ledger = ledger_of(database, postbox)
    await sent(ledger, [mail(run_of(account), "1 per 3 seconds")])
    runs = [run_of(account) for _ in range(4)]
    for run in runs:
        await write_run(database, run)
    calls = [
        mail(run, "1 per 3 seconds", priority=priority, urgent=urgent)
        for run, priority, urgent in zip(runs, (0, 5, 0, -1), (False, False, False, True), strict=True)
    ]
    for call in calls:
        assert (await sent(ledger, [call]))[0] is not None
    async with database.begin(TENANT) as session:
        order = [row.run for row in await list_waiting(session, account)]
    left: list[str] = []
    deadline = asyncio.get_running_loop().time() + 30
    while len(left) < 4 and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.1)
        for call in reversed(calls):
            waited = call.model_copy(update={"sending": Sending.model_validate({**dict(call.sending or {}), "waited": True})})
            if call.run.run_id not in left and (await sent(ledger, [waited]))[0] is None:
                left.append(call.run.run_id)

    assert order == [runs[3].run_id, runs[1].run_id, runs[0].run_id, runs[2].run_id]
    assert left == order


async def test_who_waits_and_ends_lets_the_others_go(database: Database) -> None:
    postbox, account = Postbox(), await make_account(database)
    ledger = ledger_of(database, postbox)
    await sent(ledger, [mail(run_of(account), "1 per 14 days")])
    gone, stays = run_of(account), run_of(account)
    await write_run(database, gone)
    first = mail(gone, "1 per 14 days", priority=90)
    await sent(ledger, [first])
    await grow_older(database, account, timedelta(days=14) - timedelta(seconds=1))
    await sent(ledger, [first])
    await asyncio.sleep(1.1)
    behind = (await sent(ledger, [mail(stays, "1 per 14 days")]))[0]
    async with database.begin(TENANT) as session:
        await session.execute(update(Run).where(col(Run.id) == gone.run_id).values(state="closed"))

    assert behind is not None
    assert "1 other message goes first" in behind.why
    assert await sent(ledger, [mail(stays, "1 per 14 days")]) == [None]
