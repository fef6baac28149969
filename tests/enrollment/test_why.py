"""Why: every rule with its value for accounts that are in, were in or never were; and nothing is written by asking."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from api.schemas.why import WhyOut
from api.services.why import explain
from cli.commands.why import why_lines
from storage.repositories.accounts import save_contacts
from storage.repositories.playbooks import archive_playbook
from storage.session import Database
from tests.database import TENANT
from tests.enrollment.cases import MONDAY, Case, Tree
from tests.enrollment.stage import Stage

ENROLL: Tree = {
    "when": [
        {"score": "health", "drops_below": 50, "from": 70, "within": "7 days", "if": "account.tier == 'growth'"},
        {"event": "invoice.payment_failed", "id": "unpaid", "if": "event.amount_due >= 500 EUR"},
        {"becomes": "usage.seat_share < 0.2", "for": "3 days"},
        {"date": "account.renewal_date", "before": "90 days"},
        {"schedule": {"cron": "0 7 * * 1-5", "timezone": "Europe/Berlin"}},
        {"segment": "strategic", "enters": True},
        {"change": "account.stage", "to": "live"},
    ],
    "audience": "health.score < 50 and account.csm.name is not missing",
    "suppress": [
        {"if": "'legal-hold' in account.tags", "then": "drop"},
        {"if": "in_play('renewal-120-90-60-30')", "then": "delay"},
        {"if": "contact.email is missing", "then": "drop"},
    ],
    "again": {"after": "60 days"},
    "holdout": {"share": "50%", "stratify": ["account.tier"]},
    "limits": {"at_once": 2, "per_owner": "1 per week"},
}
ACCOUNT: Tree = {"tier": "growth", "csm": "maria", "tags": ["vip"], "facts": {"health": {"score": 40}}}


async def staged(database: Database, number: int, enroll: Tree = ENROLL, **others: Any) -> Case:
    given = {"accounts": {"a": ACCOUNT}, "history": [], **others}
    case = Case(name="", number=8000 + number, enroll=enroll, goal=None, now=MONDAY, acts=[], tenant={"zone": "Europe/Berlin"}, **given)
    async with database.begin(TENANT) as session:
        await Stage(case, session).set_up()
    return case


async def asked(database: Database, case: Case, key: str | None = None) -> WhyOut:
    """Ask in a transaction in which PostgreSQL refuses to write."""
    async with database.begin(TENANT) as session:
        await session.execute(text("SET TRANSACTION READ ONLY"))
        found = await explain(session, case.slug, f"{case.slug}.a", key)

    assert "".join(why_lines(found.model_dump(mode="json")))
    return found


def answers(found: WhyOut) -> list[str]:
    return [f"{rule.rule} {rule.answer}" for rule in found.rules]


async def test_of_one_that_never_was_there_every_rule_is_told_with_its_facts(database: Database) -> None:
    case = await staged(database, 1, arms={"a": "treated"})
    found = await asked(database, case)

    assert answers(found)[:5] == ["active yes", "again yes", "exclusions yes", "audience no", "suppress yes"]
    facts = {fact.path: fact.value for rule in found.rules for fact in rule.facts}
    assert facts["health.score"] == "40"
    assert facts["account.csm.name"] is None
    assert facts["account.tags"] == "vip"
    assert facts["in_play('renewal-120-90-60-30')"] == "no"
    assert found.would.reason == "not_in_audience"
    assert found.summary[0] == "A is not in this playbook and never was."
    assert "health.score < 50" in found.summary[1]


async def test_ways_in_are_told_with_what_they_watch_now(database: Database) -> None:
    found = await asked(database, await staged(database, 2))
    ways = {trigger.kind: trigger for trigger in found.triggers}

    assert ways["score"].now == "the score is below 50 already; it has to rise first"
    assert ways["score"].condition is True
    assert [fact.path for fact in ways["score"].facts] == ["health.score", "account.tier"]
    assert ways["event"].id == "unpaid"
    assert ways["event"].condition is None
    assert ways["becomes"].now == "the condition does not hold now"
    assert ways["date"].now == "the date is not known"
    assert ways["schedule"].next_at is not None
    assert ways["segment"].now == "it is not in this segment now"
    assert [fact.path for fact in ways["change"].facts] == ["account.stage"]


async def test_an_arm_is_told_and_not_drawn(database: Database) -> None:
    found = await asked(database, await staged(database, 3))

    assert found.arm is None
    assert any(rule.rule == "holdout" for rule in found.rules)


async def test_of_one_that_is_in_the_play_is_told(database: Database) -> None:
    case = await staged(database, 4, history=[{"state": "active", "begun": "-3d"}, {"state": "left", "begun": "-90d", "left": "-80d"}])
    found = await asked(database, case)

    assert found.summary[0] == "A is in this playbook: its play is under way since 2026-11-20 09:00 UTC, brought by a trigger: event."
    assert found.enrollments[0].run is not None
    assert [row.reason for row in found.history] == ["completed"]
    assert answers(found)[0] == "active no"
    assert found.rules[0].at is not None


async def test_of_one_that_was_in_the_time_is_told_at_which_it_may_come_again(database: Database) -> None:
    case = await staged(database, 5, {"again": {"after": "3650 days"}}, history=[{"state": "left", "begun": "-9d", "left": "-8d"}])
    found = await asked(database, case)

    assert found.summary[0] == "A is not in this playbook; it was, and left 2026-11-15 09:00 UTC (completed)."
    assert found.would.reason == "too_soon"
    assert found.would.until is not None
    assert found.rules[1].at == found.would.until


async def test_the_place_in_the_queue_and_what_it_waits_for_are_told(database: Database) -> None:
    waiting = [{"account": f"w{number}", "state": "queued", "at": f"-{9 - number}h", "owner": "tom"} for number in range(3)]
    full = [{"account": f"o{number}", "state": "active", "begun": "-30d", "owner": "tom"} for number in range(2)]
    history = [*waiting, *full, {"state": "queued", "at": "-1m", "owner": "maria"}]
    found = await asked(database, await staged(database, 6, {"limits": {"at_once": 2}}, history=history))

    assert [(limit.name, limit.used, limit.limit) for limit in found.limits] == [("at_once", 2, 2)]
    (queue,) = found.queue
    # Maria's first goes before Tom's second.
    assert (queue.place, queue.of) == (2, 4)
    assert queue.waits_for == ["room: 2 of 2 plays are under way", "its turn: it is number 2 of 4"]
    assert "It waits for room: 2 of 2 plays are under way." in found.summary


async def test_launches_and_plays_in_the_way_are_what_one_waits_for(database: Database) -> None:
    history = [{"state": "active", "begun": "-1d"}, {"state": "queued", "reason": "waits_for_play", "beside": True, "at": "-1h"}]
    queue = {"again": {"while_active": "queue"}}
    (behind,) = (await asked(database, await staged(database, 7, queue, history=history))).queue
    held = [{"state": "queued", "reason": "waits_for_approval", "launch": "l", "at": "-1h"}]
    (launched,) = (await asked(database, await staged(database, 8, queue, history=held, launches={"l": {"status": "waiting"}}))).queue
    later = [{"state": "queued", "reason": "waits_for_wave", "launch": "l", "wave": 2, "at": "-1h"}]
    (waved,) = (await asked(database, await staged(database, 9, queue, history=later, launches={"l": {"status": "running"}}))).queue

    assert behind.waits_for[0].startswith("the end of the play ")
    assert launched.waits_for == ["the approval of the launch case-8008.l"]
    assert waved.waits_for == ["wave 3 of the launch case-8009.l; wave 1 is open"]


async def test_a_refusal_and_who_was_taken_out_are_told(database: Database) -> None:
    case = await staged(database, 10, {"audience": "account.tier == 'growth'"}, exemptions=[{"because": "Their lawyers asked"}])
    async with database.begin(TENANT) as session:
        await Stage(case, session).enter([{"trigger": "event"}], MONDAY)
    found = await asked(database, case)

    assert found.last_refusal is not None
    assert found.last_refusal.reason == "excluded"
    assert found.summary[-1] == (
        "It was last turned away 2026-11-23 09:00 UTC (by a trigger: event): it was taken out of this playbook: Their lawyers asked."
    )
    assert [(rule.answer, rule.value) for rule in found.rules if rule.rule == "exclusions"] == [("no", "Their lawyers asked")]


async def test_the_value_of_a_sealed_fact_is_never_told(database: Database) -> None:
    enroll = {"suppress": [{"if": "contact.email == 'x@example.com'", "then": "drop"}, {"if": "len(account.contacts) > 5"}]}
    case = await staged(database, 11, enroll)
    contact = {"id": f"{case.slug}.ada", "account": f"{case.slug}.a", "name": "Ada", "email": "ada@secret.example", "opt_outs": []}
    async with database.begin(TENANT) as session:
        await save_contacts(session, [contact])
    found = await asked(database, case)

    assert "secret.example" not in found.model_dump_json()
    shown = {fact.path: fact.value for rule in found.rules for fact in rule.facts}
    assert shown["account.contacts"] == "1 of them"
    assert shown["contact.email"] == "is there; it is sealed and not shown"


async def test_a_key_has_a_history_of_its_own(database: Database) -> None:
    enroll = {"when": [{"event": "invoice.payment_failed"}], "again": {"key": "event.invoice_id"}}
    history = [{"state": "left", "key": "in_1", "begun": "-9d", "left": "-8d"}, {"state": "active", "key": "in_2", "begun": "-1d"}]
    case = await staged(database, 12, enroll, history=history)

    assert (await asked(database, case)).key == "in_2"
    assert (await asked(database, case, "in_1")).would.reason == "entered_before"
    assert (await asked(database, case, "in_3")).would.reason == "entered"


async def test_a_playbook_that_is_not_published_says_so(database: Database) -> None:
    case = await staged(database, 13, {"audience": "health.score < 50"})
    async with database.begin(TENANT) as session:
        await archive_playbook(session, case.slug)
    found = await asked(database, case)

    assert not found.published
    assert found.would.reason == "not_published"
    assert "The playbook is not published: nobody enters it." in found.summary
