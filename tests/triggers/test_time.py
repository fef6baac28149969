"""What the passing of time brings in: dates, facts that stand still, conditions with `today`, bursts that settle."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from storage.session import Database
from tests.database import TENANT
from tests.triggers.support import happened, look, pass_by, playbook, plays, publish, put, tick

pytestmark = pytest.mark.servers
OFTEN = "  again: {after: 1 second, while_active: alongside}\n"


def days(number: int) -> date:
    return (datetime.now(UTC) + timedelta(days=number)).date()


async def test_who_is_inside_the_window_at_the_publishing_is_left_alone(database: Database) -> None:
    await publish(database, playbook("earlier", "  when: [{change: account.renewal_date}]\n"))
    await put(database, "D-1", renewal_date=days(40))
    await publish(database, playbook("renewal", "  when: [{date: account.renewal_date, before: 90 days}]\n"))
    await tick(database)
    await look(database)

    assert "D-1" in await plays(database, "earlier")
    assert "D-1" not in await plays(database, "renewal")


async def test_the_day_passes_without_anybody_touching_the_account(database: Database) -> None:
    await publish(database, playbook("silent", "  when: [{date: contract.end_date, before: 30 days}]\n" + OFTEN))
    await put(database, "D-11", contract={"end_date": {"$date": days(29).isoformat()}})
    await put(database, "D-12", contract={"end_date": {"$date": days(31).isoformat()}})
    await tick(database)
    late = await plays(database, "silent")
    await pass_by(database, days=4)
    await put(database, "D-12", contract={"end_date": {"$date": days(27).isoformat()}})
    await look(database)
    await look(database)

    assert (late, await plays(database, "silent")) == (["D-11"], ["D-11", "D-12"])


async def test_only_the_clock_makes_it_fire(database: Database) -> None:
    """The date is the same all the time; only what was looked at lies back."""
    await put(database, "D-21", renewal_date=days(59), tier="growth")
    await put(database, "D-22", renewal_date=days(59), tier="enterprise")
    await put(database, "D-23", renewal_date=days(89), tier="enterprise")
    span = "\"90 days if account.tier == 'enterprise' else 60 days\""
    await publish(database, playbook("segments", f"  when: [{{date: account.renewal_date, before: {span}}}]\n" + OFTEN))
    await pass_by(database, days=4)
    await look(database)
    await look(database)

    assert [one for one in await plays(database, "segments") if one.startswith("D-2")] == ["D-21", "D-23"]


async def test_late_ones_may_be_left_out(database: Database) -> None:
    await publish(database, playbook("skips", "  when: [{date: account.renewal_date, before: 90 days, late: skip}]\n"))
    await put(database, "D-31", renewal_date=days(40))
    await tick(database)
    await look(database)

    assert await plays(database, "skips") == []


async def test_a_moved_date_fires_anew_and_the_same_never_twice(database: Database) -> None:
    await publish(database, playbook("moved", "  when: [{date: account.renewal_date, before: 90 days}]\n" + OFTEN))
    for number in (40, 50, 40, 50):
        await put(database, "D-41", renewal_date=days(number))
        await tick(database)

    assert await plays(database, "moved") == ["D-41", "D-41"]


async def test_a_date_long_ago_brings_nobody_in(database: Database) -> None:
    await publish(database, playbook("after", "  when: [{date: account.renewal_date, after: 14 days}]\n"))
    await put(database, "D-51", renewal_date=days(-400))
    await put(database, "D-52", renewal_date=days(-16))
    await tick(database)
    await look(database)

    assert await plays(database, "after") == ["D-52"]


async def test_the_notice_date_is_looked_for(database: Database) -> None:
    await put(database, "D-61", renewal_date=days(39), contract={"notice_days": 30})
    await publish(database, playbook("notice", "  when: [{date: account.notice_date, before: 10 days}]\n"))
    await pass_by(database, days=3)
    await look(database)

    assert await plays(database, "notice") == ["D-61"]


async def test_a_fact_stands_still(database: Database) -> None:
    await put(database, "U-1", stage="a")
    await put(database, "U-2", stage="a")
    await put(database, "U-3")
    await pass_by(database, days=1)
    await publish(database, playbook("still", "  when: [{unchanged: account.stage, for: 30 days}]\n" + OFTEN))
    await put(database, "U-4", stage="a")
    await pass_by(database, days=15)
    await put(database, "U-2", stage="b")
    await look(database)
    early = await plays(database, "still")
    await pass_by(database, days=16)
    await look(database)
    await look(database)
    due = await plays(database, "still")
    await pass_by(database, days=15)
    await look(database)

    assert early == []
    assert [one for one in due if one.startswith("U-")] == ["U-1", "U-4"]
    assert [one for one in await plays(database, "still") if one.startswith("U-")] == ["U-1", "U-2", "U-4"]


async def test_a_condition_turns_true_with_the_date(database: Database) -> None:
    condition = "account.renewal_date - today < 20 days"
    await put(database, "T-1", renewal_date=days(10))
    await put(database, "T-2", renewal_date=days(30))
    await publish(database, playbook("near", f"  when: [{{becomes: {condition}}}]\n" + OFTEN))
    await look(database)
    before = await plays(database, "near")
    # As if the days had gone by: nobody is told of this write.
    async with database.begin(TENANT) as session:
        await session.execute(text("UPDATE watched_path SET playbook = 'x' WHERE playbook = 'near'"))
        await session.execute(text("UPDATE account SET renewal_date = renewal_date - 15 WHERE id = 'T-2'"))
    await look(database)
    await look(database)

    assert ([one for one in before if one.startswith("T-")], [one for one in await plays(database, "near") if one.startswith("T-")]) == (
        [],
        ["T-2"],
    )


async def test_a_burst_settles(database: Database) -> None:
    await put(database, "B-1")
    await publish(database, playbook("burst", "  when: [{event: usage.reported, settle: 5m}]\n" + OFTEN))
    for _ in range(3):
        await happened(database, "usage.reported", "B-1")
        await pass_by(database, minutes=4)
        await tick(database)
    during = await plays(database, "burst")
    await pass_by(database, minutes=2)
    await tick(database)
    settled = await plays(database, "burst")
    for _ in range(20):
        await happened(database, "usage.reported", "B-1")
        await pass_by(database, minutes=4)
        await tick(database)

    assert (during, settled) == ([], ["B-1"])
    assert len(await plays(database, "burst")) == 2, "a burst that does not end is taken as it is after an hour"
