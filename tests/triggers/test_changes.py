"""Changes of facts: noted by the database whoever makes them, only where somebody watches, and each brings an account in once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from storage.rotation import reseal
from storage.session import Database
from storage.triggers.changes import take_changes
from tests.database import TENANT
from tests.triggers.support import archive, contact, pass_by, playbook, plays, publish, put, refusals, rows, tick

pytestmark = pytest.mark.servers
OFTEN = "  again: {after: 1 second, while_active: alongside}\n"


async def test_a_change_from_and_to(database: Database) -> None:
    await publish(database, playbook("from-to", "  when: [{change: account.stage, from: a, to: b}]\n"))
    await put(database, "C-1", stage="a")
    await put(database, "C-2", stage="b")
    await put(database, "C-3", stage="a")
    await put(database, "C-3", stage="c")
    await put(database, "C-1", stage="b", name="other")
    await put(database, "C-1", stage="b", name="another")
    await tick(database)
    await tick(database)

    assert await plays(database, "from-to") == ["C-1"]


async def test_a_new_account_is_a_change_from_missing(database: Database) -> None:
    await publish(database, playbook("newcomers", "  when: [{change: account.id}]\n"))
    await put(database, "C-11")
    await tick(database)

    assert await plays(database, "newcomers") == ["C-11"]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("account.mrr", {"mrr": 100, "currency": "EUR"}, {"mrr": 200}),
        ("account.arr", {"mrr": 100, "currency": "EUR"}, {"currency": "USD"}),
        ("account.renewal_date", {"renewal_date": datetime(2027, 1, 1).date()}, {"renewal_date": None}),  # noqa: DTZ001  # a date
        ("account.tags", {"tags": ["a"]}, {"tags": ["a", "b"]}),
        ("account.csm.name", {"csm": "maria"}, {"csm": "tom"}),
        ("account.custom.priority", {"custom": {"priority": "low"}}, {"custom": {"priority": "high"}}),
        ("opportunity.stage", {"opportunity": {"stage": "open"}}, {"opportunity": {"stage": "won"}}),
        ("account.notice_date", {"renewal_date": None, "contract": {"notice_days": 30}}, {"contract": {"notice_days": 60}}),
    ],
)
async def test_every_kind_of_fact_is_noted(database: Database, path: str, before: dict[str, object], after: dict[str, object]) -> None:
    slug, account = f"kind-{path.replace('.', '-').replace('_', '-')}", f"K-{path}"
    custom = before.pop("custom", None)
    await put(database, account, **before)
    if custom:
        await set_custom(database, account, "low")
    await publish(database, playbook(slug, f"  when: [{{change: {path}}}]\n"))
    if custom:
        await set_custom(database, account, "high")
    else:
        await put(database, account, **after)
    await tick(database)

    assert await plays(database, slug) == [account]
    await archive(database, slug)


async def set_custom(database: Database, account: str, value: str) -> None:
    async with database.begin(TENANT) as session:
        await session.execute(
            text("UPDATE account SET custom = jsonb_build_object('priority', CAST(:value AS text)) WHERE id = :id"),
            {"value": value, "id": account},
        )


async def test_a_sealed_fact_is_noted_without_its_values(database: Database) -> None:
    await put(database, "E-1")
    await contact(database, "E-1", "E-1-ada", "ada@example.com")
    await publish(database, playbook("address", "  when: [{change: contact.email}]\n"))
    await contact(database, "E-1", "E-1-ada", "Ada@example.com")
    await contact(database, "E-1", "E-1-bob", "bob@example.com", role="user")
    await reseal(database, TENANT)
    await tick(database)
    before = await plays(database, "address")
    await contact(database, "E-1", "E-1-ada", "ada@example.org")
    await tick(database)

    assert (before, await plays(database, "address")) == ([], ["E-1"])
    assert await rows(database, "fact_change", "path = 'contact.email' AND (before IS NOT NULL OR after IS NOT NULL)") == 0


async def test_another_main_contact_is_a_change(database: Database) -> None:
    await put(database, "E-2")
    await contact(database, "E-2", "E-2-bob", "bob@example.com", role="user")
    await publish(database, playbook("champion", "  when: [{change: contact.name}]\n"))
    await contact(database, "E-2", "E-2-ada", "ada@example.com")
    await tick(database)

    assert await plays(database, "champion") == ["E-2"]


async def test_segments_are_entered_and_left(database: Database) -> None:
    await publish(database, playbook("enters", "  when: [{segment: smb, enters: true}]\n"))
    await publish(database, playbook("leaves", "  when: [{segment: smb, leaves: true}]\n"))
    await put(database, "S-1", segment="smb")
    await put(database, "S-2", segment="big")
    await tick(database)
    entered = (await plays(database, "enters"), await plays(database, "leaves"))
    await put(database, "S-1", segment="big")
    await tick(database)

    assert (entered, await plays(database, "leaves")) == ((["S-1"], []), ["S-1"])


async def test_a_score_drops_once_for_each_arming(database: Database) -> None:
    drops = "  when: [{score: health, drops_below: 50, from: 70, within: 7 days}]\n"
    await publish(database, playbook("drops", drops + OFTEN))
    for score in (75, 60, 49, 48, 55, 49):
        await put(database, "H-1", health={"score": score})
    await put(database, "H-2", health={"score": 40})
    await put(database, "H-2", health={"score": 45})
    await tick(database)
    once = await plays(database, "drops")
    for score in (72, 30):
        await put(database, "H-1", health={"score": score})
    await tick(database)

    assert (once, await plays(database, "drops")) == (["H-1"], ["H-1", "H-1"])


async def test_what_a_line_of_suppress_drops_in_the_night_of_another_card_does_not_come_later(database: Database) -> None:
    drops = "  when: [{score: health, drops_below: 40}, {becomes: 'health.band == \"red\"', id: red}]\n"
    await put(database, "Q-1", health={"score": 80, "band": "green"})
    await publish(database, playbook("another-card", drops + "  suppress: [{if: today < 2099-01-01, then: drop}]\n"))
    await put(database, "Q-1", health={"score": 30, "band": "red"})
    await tick(database)
    await publish(database, playbook("another-card", drops))
    await put(database, "Q-1", health={"score": 29, "band": "red"})
    await tick(database)
    quiet = await plays(database, "another-card")
    for score, band in ((80, "green"), (31, "red")):
        await put(database, "Q-1", health={"score": score, "band": band})
        await tick(database)

    assert quiet == []
    assert await plays(database, "another-card") == ["Q-1"]
    await archive(database, "another-card")


async def test_a_score_that_fell_slowly_is_not_what_within_means(database: Database) -> None:
    await publish(database, playbook("fast", "  when: [{score: health, drops_below: 50, from: 70, within: 7 days}]\n"))
    await put(database, "H-3", health={"score": 75})
    await put(database, "H-3", health={"score": 60})
    await pass_by(database, days=8)
    await put(database, "H-3", health={"score": 45})
    await tick(database)

    assert "H-3" not in await plays(database, "fast")


async def test_a_score_rises(database: Database) -> None:
    await publish(database, playbook("rises", "  when: [{score: expansion, rises_above: 80}]\n"))
    await put(database, "H-4", expansion={"score": 70})
    await put(database, "H-4", expansion={"score": 80})
    await tick(database)
    before = await plays(database, "rises")
    await put(database, "H-4", expansion={"score": 81})
    await tick(database)

    assert (before, await plays(database, "rises")) == ([], ["H-4"])


async def test_a_score_has_to_stay_there(database: Database) -> None:
    await publish(database, playbook("stays", "  when: [{score: health, drops_below: 50, for: 3 days}]\n"))
    for account in ("H-5", "H-6", "H-7"):
        await put(database, account, health={"score": 60})
        await put(database, account, health={"score": 40})
    await tick(database)
    await pass_by(database, days=2)
    await put(database, "H-6", health={"score": 65})
    await put(database, "H-7", health={"score": 65})
    await put(database, "H-7", health={"score": 45})
    await tick(database)
    early = await plays(database, "stays")
    await pass_by(database, days=1.1)
    await tick(database)
    due = await plays(database, "stays")
    await pass_by(database, days=2)
    await tick(database)

    assert (early, due, await plays(database, "stays")) == ([], ["H-5"], ["H-5", "H-7"])


async def test_a_condition_becomes_true(database: Database) -> None:
    await put(database, "B-1", usage={"seat_share": 0.95}, status="active")
    await put(database, "B-2", usage={"seat_share": 0.5}, status="active")
    await publish(database, playbook("seats", '  when: [{becomes: usage.seat_share > 0.9 and account.status == "active"}]\n' + OFTEN))
    await put(database, "B-1", usage={"seat_share": 0.97})
    await put(database, "B-2", usage={"seat_share": 0.93})
    await tick(database)
    await put(database, "B-2", usage={"seat_share": 0.96})
    await tick(database)
    first = await plays(database, "seats")
    for share in (0.5, 0.99):
        await put(database, "B-2", usage={"seat_share": share})
        await tick(database)

    assert (first, await plays(database, "seats")) == (["B-2"], ["B-2", "B-2"])


async def test_a_condition_has_to_hold(database: Database) -> None:
    await publish(database, playbook("held", "  when: [{becomes: support.open_sev1 > 0, for: 2 days}]\n"))
    for account in ("B-3", "B-4"):
        await put(database, account, support={"open_sev1": 1})
    await tick(database)
    await pass_by(database, days=1)
    for count in (0, 2):
        await put(database, "B-4", support={"open_sev1": count})
        await tick(database)
    await pass_by(database, days=1.1)
    await tick(database)
    due = await plays(database, "held")
    await pass_by(database, days=1)
    await tick(database)

    assert (due, await plays(database, "held")) == (["B-3"], ["B-3", "B-4"])


async def test_the_same_change_is_looked_at_once_by_several_at_once(database: Database) -> None:
    await publish(database, playbook("several", "  when: [{change: account.tier}]\n" + OFTEN))
    for number in range(40):
        await put(database, f"M-{number}", tier="gold")

    async def one() -> None:
        async with database.begin(TENANT) as session:
            await take_changes(session, datetime.now(UTC))
        await tick(database)

    await asyncio.gather(*(one() for _ in range(4)))
    await tick(database)

    assert await plays(database, "several") == sorted(f"M-{number}" for number in range(40))


async def test_what_is_archived_does_not_fire(database: Database) -> None:
    await publish(database, playbook("archived", "  when: [{change: account.zone}]\n"))
    await put(database, "A-1", zone="Europe/Berlin")
    await archive(database, "archived")
    await put(database, "A-2", zone="Europe/Berlin")
    await tick(database)

    assert await plays(database, "archived") == []
    assert await rows(database, "watched_path", "playbook = 'archived'") == 0


async def test_the_condition_of_a_trigger_and_the_form_may_refuse(database: Database) -> None:
    inputs = "inputs:\n  seats: {type: integer, from: event.seats, min: 5}\n"
    await publish(database, playbook("refuses", "  when: [{change: account.country, if: 'account.tier == \"gold\"'}]\n", inputs=inputs))
    await put(database, "R-1", country="DE", tier="gold")
    await put(database, "R-2", country="DE", tier="tin")
    await tick(database)

    assert await plays(database, "refuses") == []
    assert await refusals(database, "refuses") == {"R-1": "bad_inputs", "R-2": "condition_not_met"}
