"""What holds whatever comes in whatever order, and when two come at the same moment."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from math import sqrt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import col

from enrollment.holdout import CONTROL, arm_of
from enrollment.states import Reason, State
from storage.enrollment.admission import admit
from storage.enrollment.entering import Coming, Entered, Entry, enter
from storage.enrollment.published import find_published
from storage.enrollment_tables import Arm, Enrollment
from storage.session import Database
from tests.database import TENANT, TEST_KEYS
from tests.enrollment.cases import MONDAY, Case, Tree
from tests.enrollment.stage import Stage

_NUMBERS = itertools.count(5000)
PLAIN = Case(name="", number=0, enroll={}, goal=None, accounts={"a": {}}, history=[], now=MONDAY, acts=[], tenant={"zone": "UTC"})


async def staged(database: Database, enroll: Tree, **others: Any) -> Case:
    """Publish a playbook of its own, and make its accounts."""
    case = replace(PLAIN, number=next(_NUMBERS), enroll=enroll, **others)
    async with database.begin(TENANT) as session:
        await Stage(case, session).set_up()
    return case


async def came(database: Database, case: Case, accounts: list[str], **how: Any) -> Entered:
    """Let accounts come in a transaction of its own."""
    async with database.begin(TENANT) as session:
        playbook = await find_published(session, case.slug)
        assert playbook is not None
        entry = Entry(**{"trigger": "event", "now": MONDAY, "rank": 2, **how})
        return await enter(session, playbook, entry, [Coming(f"{case.slug}.{name}") for name in accounts])


async def test_of_two_who_come_at_the_same_moment_one_enters(database: Database) -> None:
    case = await staged(database, {"again": {"while_active": "ignore"}}, accounts={name: {} for name in "abcdef"})

    # In another order each, so that two who lock the same accounts would wait for each other if the order were theirs.
    batches = await asyncio.gather(*(came(database, case, list(order)) for order in ("abcdef", "fedcba", "cafebd", "badfec")))

    reasons = Counter(one.decision.reason for batch in batches for one in batch.came)
    assert reasons == {Reason.ENTERED: 6, Reason.ALREADY_ACTIVE: 18}
    async with database.begin(TENANT) as session:
        query = select(func.count()).select_from(Enrollment).where(col(Enrollment.playbook) == case.slug)
        assert (await session.execute(query)).scalar_one() == 6


async def test_two_who_let_in_at_the_same_moment_fill_the_room_once(database: Database) -> None:
    case = await staged(database, {"limits": {"at_once": 5}}, accounts={f"n{number}": {} for number in range(20)})
    await came(database, case, [f"n{number}" for number in range(20)])

    async def let_in() -> list[str]:
        async with database.begin(TENANT) as session:
            return [one.run.account for one in await admit(session, case.slug, MONDAY)]

    began = await asyncio.gather(*(let_in() for _ in range(4)))

    assert sorted(account for batch in began for account in batch) == [f"{case.slug}.n{number}" for number in range(5)]


async def test_a_key_is_played_under_its_own_name_and_after_an_undo_under_another(database: Database) -> None:
    # Temporal plays a workflow id once: a second play under the same would never begin.
    case = await staged(database, {"again": {"after": "1 day"}})
    first = await came(database, case, ["a"], key="quarter-3")
    async with database.begin(TENANT) as session:
        await Stage(case, session).end({"outcome": "undone"}, MONDAY)
    second = await came(database, case, ["a"], key="quarter-3", now=MONDAY + timedelta(days=9))
    third = await came(database, case, ["a"], key="quarter-4", now=MONDAY + timedelta(days=9))
    names = [one.run.workflow_id.rpartition(":")[2] for batch in (first, second, third) for one in batch.started]

    assert names == ["k-quarter-3", "e2", "k-quarter-4"]


async def test_a_list_waits_in_the_order_in_which_it_came(database: Database) -> None:
    names = [f"n{number:03}" for number in range(100)]
    case = await staged(database, {"limits": {"at_once": 7}}, accounts={name: {} for name in names})
    await came(database, case, names)

    async with database.begin(TENANT) as session:
        assert [one.run.account for one in await admit(session, case.slug, MONDAY)] == [f"{case.slug}.{name}" for name in names[:7]]


def test_the_share_that_is_left_alone_is_as_large_as_chance_allows() -> None:
    accounts = [f"C-{number:05}" for number in range(20_000)]
    for share in (0.01, 0.1, 0.5):
        for stratum in ("", "growth"):
            held = sum(arm_of("acme", "at-risk-save", account, stratum, share) == CONTROL for account in accounts)

            # Four and a half standard deviations: one in 150,000 by chance; the accounts are always the same.
            assert abs(held - 20_000 * share) < 4.5 * sqrt(20_000 * share * (1 - share))


def test_playbooks_and_tenants_leave_different_accounts_alone() -> None:
    accounts = [f"C-{number:05}" for number in range(20_000)]
    names = (("acme", "at-risk-save"), ("acme", "onboarding"), ("other", "at-risk-save"))
    groups = [{account for account in accounts if arm_of(*name, account, "", 0.5) == CONTROL} for name in names]

    for one, other in itertools.combinations(groups, 2):
        assert abs(len(one & other) - 5_000) < 4.5 * sqrt(20_000 * 0.25 * 0.75)


@given(st.floats(0, 1), st.floats(0, 1), st.text(min_size=1, max_size=20), st.sampled_from(["", "growth"]))
def test_a_larger_share_leaves_the_same_accounts_alone_and_more(one: float, other: float, account: str, stratum: str) -> None:
    small, large = sorted((one, other))

    if arm_of("t", "p", account, stratum, small) == CONTROL:
        assert arm_of("t", "p", account, stratum, large) == CONTROL


WAYS = st.sampled_from(["ignore", "queue", "restart", "alongside"])
ENROLLS = st.fixed_dictionaries(
    {},
    optional={
        "audience": st.just('account.tier == "growth"'),
        "suppress": st.just([{"if": 'account.status == "paused"', "then": "delay"}]),
        "holdout": st.sampled_from([{"share": "30%"}, {"share": "99%", "stratify": ["account.tier"]}]),
        "limits": st.sampled_from([{"at_once": 1}, {"at_once": 3, "per_day": 4}]),
    },
)
AGAIN = st.builds(
    lambda way, after: {"again": {"while_active": way, **({"after": after} if after else {})}}, WAYS, st.sampled_from([None, "2 days"])
)
ACTS = st.one_of(
    st.fixed_dictionaries(
        {"do": st.just("enter"), "accounts": st.lists(st.sampled_from("abc"), min_size=1, max_size=4)},
        optional={"by_hand": st.just(True), "key": st.sampled_from(["k", "l"])},
    ),
    st.just({"do": "admit"}),
    st.fixed_dictionaries(
        {"do": st.sampled_from(["end", "take_up", "withdraw"]), "account": st.sampled_from("abc"), "undone": st.booleans()}
    ),
    st.fixed_dictionaries({"do": st.just("change"), "account": st.sampled_from("abc"), "status": st.sampled_from(["paused", "active"])}),
    st.fixed_dictionaries({"do": st.just("change"), "account": st.sampled_from("abc"), "tier": st.sampled_from(["growth", "starter"])}),
    st.fixed_dictionaries({"do": st.just("publish"), "enroll": ENROLLS, "again": AGAIN}),
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(enroll=ENROLLS, again=AGAIN, acts=st.lists(ACTS, min_size=3, max_size=12))
def test_whatever_happens_nobody_is_there_twice_and_arms_stay(application_url: str, enroll: Tree, again: Tree, acts: list[Tree]) -> None:
    asyncio.run(_live(application_url, {**enroll, **again}, acts))


async def _live(url: str, enroll: Tree, acts: list[Tree]) -> None:
    database = Database(url, TEST_KEYS, pooled=False)
    try:
        case = await staged(database, enroll, accounts={"a": {"tier": "growth"}, "b": {"tier": "growth"}, "c": {"tier": "starter"}})
        arms: dict[str, str] = {}
        way = enroll["again"]["while_active"]
        for number, act in enumerate(acts):
            if act["do"] == "publish":
                way = "alongside" if way == "alongside" else act["again"]["again"]["while_active"]
            await _happens(database, case, act, number)
            await _check(database, case, arms, once=way != "alongside")
    finally:
        await database.close()


async def _happens(database: Database, case: Case, act: Tree, number: int) -> None:
    now = MONDAY + timedelta(hours=5 * number)
    if act["do"] == "enter":
        ignore = frozenset({"audience", "again", "holdout", "limits"}) if act.get("by_hand") else frozenset()
        await came(database, case, act["accounts"], now=now, ignore=ignore, key=act.get("key"), rank=0 if ignore else 2)
        return
    async with database.begin(TENANT) as session:
        stage = Stage(case, session)
        match act["do"]:
            case "admit":
                await stage.admit(now)
            case "change":
                await stage.change({name: value for name, value in act.items() if name != "do"}, now)
            case "publish":
                await stage.publish({**act["enroll"], **act["again"]})
            case "withdraw":
                await stage.withdraw(act, now)
            case "end" | "take_up" as word:
                state = State.ACTIVE if word == "end" else State.LEFT
                if any(row.state == state and row.run for row in await stage.rows(act["account"])):
                    given = {"account": act["account"], "outcome": "undone" if act["undone"] else "completed"}
                    await (stage.end(given, now) if word == "end" else stage.take_up(given, now))


async def _check(database: Database, case: Case, arms: dict[str, str], *, once: bool) -> None:
    async with database.begin(TENANT) as session:
        rows = list((await session.execute(select(Enrollment).where(col(Enrollment.playbook) == case.slug))).scalars())
        drawn = (await session.execute(select(Arm).where(col(Arm.playbook) == case.slug))).scalars()
        now_drawn = {arm.account: arm.arm for arm in drawn}
    counting = Counter((row.account, row.key) for row in rows if row.state != State.LEFT and not row.beside)
    active = Counter((row.account, row.key) for row in rows if row.state == State.ACTIVE and row.begun_at)

    assert max(counting.values(), default=0) <= 1
    assert {account: arm for account, arm in now_drawn.items() if account in arms} == arms
    if once and not any(row.state == State.ACTIVE and row.changed_at != row.begun_at for row in rows):
        # Not so when a play that ended was taken up again beside the one that followed it.
        assert max(active.values(), default=0) <= 1
    arms.update(now_drawn)
