"""Events: of one account, of all in an audience, of those they name, and those that come while a play is about to begin."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from api.services import coming
from api.services.coming import bring_in_once, relay_housekeeping
from storage.repositories.deliveries import news_of
from storage.repositories.events import fields_of
from storage.session import Database
from storage.tables import Delivery, Run
from tests.database import TENANT
from tests.triggers.support import happened, pass_by, playbook, plays, publish, put, refusals, rows, tick

pytestmark = pytest.mark.servers
OFTEN = "  again: {after: 1 second, while_active: alongside, key: event.number}\n"


async def test_an_event_brings_its_account_in_once(database: Database) -> None:
    await put(database, "E-1")
    await put(database, "E-2")
    await publish(database, playbook("failed", "  when: [{event: invoice.failed, if: event.amount >= 500}]\n"))
    await happened(database, "invoice.failed", "E-1", amount=700)
    await happened(database, "invoice.failed", "E-1", amount=700)
    await happened(database, "invoice.failed", "E-2", amount=100)
    await happened(database, "other", "E-2", amount=700)
    await tick(database)

    assert await plays(database, "failed") == ["E-1"]
    assert await refusals(database, "failed") == {"E-1": "already_active", "E-2": "condition_not_met"}


async def test_an_event_of_no_account_brings_the_audience_in(database: Database) -> None:
    for number in range(3):
        await put(database, f"I-{number}", segment="incidents", support={"open_sev1": 0})
    await put(database, "I-9", segment="calm")
    enroll = (
        '  when: [{event: incident.opened, accounts: audience, while: support.open_sev1 > 0}]\n  audience: account.segment == "incidents"\n'
    )
    await publish(database, playbook("incident", enroll))
    await happened(database, "incident.opened", None)
    await tick(database)
    await tick(database)
    first = await plays(database, "incident")
    await put(database, "I-3", segment="incidents", support={"open_sev1": 1})
    await put(database, "I-4", segment="incidents", support={"open_sev1": 0})
    for _ in range(2):
        await relay_housekeeping(database, TENANT)
        await tick(database)

    assert first == ["I-0", "I-1", "I-2"]
    assert await plays(database, "incident") == ["I-0", "I-1", "I-2", "I-3"]
    assert await rows(database, "launch", "playbook = 'incident' AND status = 'running'") == 1
    await pass_by(database, days=31)
    await tick(database)
    assert await rows(database, "launch", "playbook = 'incident' AND status = 'done' AND accounts = 4") == 1


async def test_an_event_may_name_its_accounts(database: Database) -> None:
    for number in range(3):
        await put(database, f"N-{number}")
    await publish(database, playbook("named", "  when: [{event: outage.opened, accounts: event.account_ids}]\n"))
    await happened(database, "outage.opened", "N-2", account_ids=["N-0", "N-1", "nobody", 7])
    await happened(database, "outage.opened", None, account_ids="none")
    await happened(database, "outage.opened", None)
    await tick(database)
    await tick(database)

    assert await plays(database, "named") == ["N-0", "N-1"]
    assert await rows(database, "launch", "playbook = 'named' AND status = 'done'") == 3


async def test_the_form_is_filled_from_the_event(database: Database) -> None:
    inputs = "inputs:\n  invoice: {type: text, from: event.invoice}\n  number: {type: integer, from: event.number, max: 10}\n"
    await put(database, "F-1")
    await put(database, "F-2")
    await publish(database, playbook("form", "  when: [{event: form.sent}]\n", inputs=inputs))
    await happened(database, "form.sent", "F-1", invoice="in_1", number=3)
    await happened(database, "form.sent", "F-2", invoice="in_2", number="three")
    await tick(database)

    assert await plays(database, "form") == ["F-1"]
    assert await refusals(database, "form") == {"F-2": "bad_inputs"}
    async with database.begin(TENANT) as session:
        run = (await session.execute(select(Run).where(col(Run.playbook) == "form"))).scalar_one()
        start = session.open("run", "start", run.id, run.start)
    assert isinstance(start, dict)
    assert start["inputs"] == {"invoice": "in_1", "number": 3}
    assert start["trigger"] == {"kind": "event", "id": "event_1", "by": "playkeeper", "event": {"invoice": "in_1", "number": 3}}


async def test_what_comes_before_the_play_has_begun_is_told_it(database: Database) -> None:
    await put(database, "W-1")
    await publish(database, playbook("waits", "  when: [{event: mail.sent}]\n"))
    await happened(database, "mail.replied", "W-1", number=0)
    await happened(database, "mail.sent", "W-1")
    await happened(database, "mail.replied", "W-1", number=1)
    await tick(database)
    async with database.begin(TENANT) as session:
        workflow_id = (await session.execute(select(col(Run.workflow_id)).where(col(Run.account) == "W-1"))).scalar_one()
        told = (await session.execute(select(Delivery).where(col(Delivery.workflow_id) == workflow_id))).scalars()
        fields = [dict(news_of(session, row))["fields"] for row in told]  # type: ignore[arg-type]  # news are records

    assert fields == [{"number": 1}]


async def test_a_storm_for_one_account_keeps_its_order_and_loses_nothing(database: Database) -> None:
    await put(database, "S-1")
    await publish(database, playbook("storm", "  when: [{event: storm.came}]\n" + OFTEN))
    for number in range(450):
        await happened(database, "storm.came", "S-1", number=number)
    biggest = 0
    while (brought := await bring_in_once(database, TENANT, "storm")).runs:
        biggest = max(biggest, len(brought.runs))
    async with database.begin(TENANT) as session:
        keys = await session.execute(text("SELECT key FROM enrollment WHERE playbook = 'storm' ORDER BY episode"))

    assert [int(key) for (key,) in keys] == list(range(450))
    assert biggest == coming.MOST_AT_ONCE


async def test_several_relays_at_once_bring_each_in_once(database: Database) -> None:
    for number in range(60):
        await put(database, f"P-{number}")
    await publish(database, playbook("parallel", "  when: [{event: sale.came}]\n" + OFTEN))
    for number in range(60):
        await happened(database, "sale.came", f"P-{number}", number=number)
    await asyncio.gather(*(tick(database) for _ in range(4)))
    await tick(database)

    assert await plays(database, "parallel") == sorted(f"P-{number}" for number in range(60))


@pytest.mark.parametrize("step", ["enter", "end_occurrences", "_catch_up"])
async def test_a_crash_between_the_steps_loses_and_repeats_nothing(database: Database, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    slug = f"crash-{step.strip('_').replace('_', '-')}"
    await put(database, f"X-{step}")
    await publish(database, playbook(slug, f"  when: [{{event: crash.{step}}}]\n"))
    await happened(database, f"crash.{step}", f"X-{step}")

    async def dies(*_: object, **__: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patched:
        patched.setattr(coming._Bringing if step.startswith("_") else coming, step, dies)
        with pytest.raises(RuntimeError):
            await bring_in_once(database, TENANT, slug)
    before = await plays(database, slug)
    await tick(database)
    await tick(database)

    assert (before, await plays(database, slug)) == ([], [f"X-{step}"])


async def test_one_that_cannot_be_brought_in_does_not_keep_the_others(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        await put(database, f"Q-{number}")
    await publish(database, playbook("poison", "  when: [{event: poison.came, if: event.number >= 0}]\n"))
    for number in range(3):
        await happened(database, "poison.came", f"Q-{number}", number=number)
    real = fields_of

    def fields(session: object, event: object) -> object:
        found = real(session, event)  # type: ignore[arg-type]  # handed on
        if found == {"number": 1}:
            raise ValueError("cannot be opened")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(coming, "fields_of", fields)
        await coming._one_round(database, TENANT, "poison")
    without = await plays(database, "poison")
    await pass_by(database, minutes=1)
    await tick(database)

    assert (without, await plays(database, "poison")) == (["Q-0", "Q-2"], ["Q-0", "Q-1", "Q-2"])
