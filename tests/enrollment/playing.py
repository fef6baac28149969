"""Plays the acts of a case in the database, one transaction each, and compares what comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from enrollment.deciding import Decision
from enrollment.rules import Rules
from enrollment.states import State
from storage.enrollment.admission import list_in_the_way
from storage.enrollment.entering import Entered
from storage.enrollment.refusals import find_refusal
from storage.enrollment_tables import Arm, Enrollment
from storage.session import Database
from tests.database import TENANT
from tests.enrollment.cases import ACCOUNT, Case, Tree
from tests.enrollment.model import Model
from tests.enrollment.stage import Stage


@dataclass
class Seen:
    """What a case showed: every way from one state to another, and every reason."""

    moves: set[tuple[str, str]] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)


def listed(node: Tree) -> list[Tree]:
    """Give a list of one or several."""
    return node if isinstance(node, list) else [node]


def as_expected(case: Case, node: Tree) -> Tree:
    """Read what must come: `active entered`, or a map; moments in it are read."""
    if isinstance(node, str):
        state, _, reason = node.partition(" ")
        return {"state": state, "reason": reason}
    found = dict(node)
    if found.get("until") is not None:
        found["until"] = case.at(found["until"])
    return found


def of_decision(decision: Decision, wanted: Tree) -> Tree:
    """Give of a decision what a case asks about."""
    said = {
        "state": str(decision.state),
        "reason": str(decision.reason),
        "until": decision.until,
        "stratum": decision.stratum,
        "verdicts": [f"{verdict.rule} {verdict.answer}" for verdict in decision.verdicts],
        "detail": decision.detail,
    }
    return {name: said[name] for name in wanted}


def play_purely(case: Case) -> None:
    """Let those come who come before anything else happens, by `decide` alone."""
    model = Model(case)
    rules = Rules.of(case.plan(), 1)
    for act in case.acts:
        if "enter" not in act:
            return
        comers = listed(act["enter"])
        shared = {name: value for name, value in comers[0].items() if name not in ("account", "event")}
        for comer, node in zip(comers, listed(act["expect"]), strict=True):
            if comer.get("account", ACCOUNT) not in case.accounts or "held_back" in shared:
                return  # what storage alone knows
            wanted = as_expected(case, node)

            assert of_decision(model.enter({**shared, **comer}, rules, case.at(act.get("at")) or case.now), wanted) == wanted


async def play_stored(case: Case, database: Database) -> Seen:
    """Play all acts of a case in the database."""
    async with database.begin(TENANT) as session:
        await Stage(case, session).set_up()
    seen = Seen()
    after = await _states(case, database)
    for act in case.acts:
        before, refused = after, await _act(case, database, act)
        after = await _states(case, database)
        seen.moves |= {(before.get(name, ("considered", ""))[0], state) for name, (state, _) in after.items()}
        seen.moves |= {("considered", "refused") for _ in refused[:1]}
        seen.reasons |= {reason for _, reason in after.values()} | set(refused)
    seen.moves = {(one, other) for one, other in seen.moves if one != other}
    return seen


async def _states(case: Case, database: Database) -> dict[str, tuple[str, str]]:
    async with database.begin(TENANT) as session:
        query = select(Enrollment).where(col(Enrollment.playbook) == case.slug)
        return {row.id: (row.state, row.reason) for row in (await session.execute(query)).scalars()}


async def _act(case: Case, database: Database, act: Tree) -> list[str]:
    """Do one act; give the reasons of those who were refused."""
    now = case.at(act.get("at")) or case.now
    async with database.begin(TENANT) as session:
        stage = Stage(case, session)
        match act:
            case {"enter": comers, "expect": nodes}:
                entered = await stage.enter(listed(comers), now)
                await _check_entered(stage, entered, listed(nodes))
                return [one.decision.reason for one in entered.came if one.decision.state is State.REFUSED]
            case {"admit": wanted}:
                started = await stage.admit(now)
                if wanted is not None:
                    began = [one.run.account.removeprefix(f"{case.slug}.") for one in started]
                    assert began == wanted
            case {"look": wanted}:
                await _check_rows(stage, wanted)
            case {"arms": wanted}:
                await _check_arms(stage, wanted)
            case {"made_way_for": wanted}:
                in_the_way = await list_in_the_way(session, case.slug)
                assert len(in_the_way) == wanted
            case _:
                await _change(stage, act, now)
    return []


async def _change(stage: Stage, act: Tree, now: datetime) -> None:
    ways = {"end": stage.end, "take_up": stage.take_up, "withdraw": stage.withdraw, "change": stage.change, "launch": stage.change_launch}
    (word,) = set(act) - {"at"}
    if word == "publish":
        await stage.publish(act[word])
    else:
        await ways[word](act[word] or {}, now)


async def _check_entered(stage: Stage, entered: Entered, nodes: list[Tree]) -> None:
    case = stage.case
    for one, node in zip(entered.came, nodes, strict=True):
        wanted = as_expected(case, node)

        assert of_decision(one.decision, wanted) == wanted
        if one.decision.state is State.REFUSED and one.account in {stage.id_of(name) for name in case.accounts}:
            refusal = await find_refusal(stage.session, case.slug, one.account)

            assert refusal is not None
        elif one.decision.state is not State.REFUSED:
            assert one.standing is not None
            assert (one.standing.state, one.standing.reason, one.standing.until) == (
                one.decision.state,
                one.decision.reason,
                one.decision.until,
            )


async def _check_rows(stage: Stage, wanted: Tree) -> None:
    for name, nodes in wanted.items():
        rows = await stage.rows(name)
        expected = [as_expected(stage.case, node) for node in nodes]
        found = [_of_row(row, one) for row, one in zip(rows, expected, strict=False)] + [
            {"more": row.state} for row in rows[len(expected) :]
        ]

        assert found == expected


def _of_row(row: Enrollment, wanted: Tree) -> Tree:
    return {name: getattr(row, name) for name in wanted}


async def _check_arms(stage: Stage, wanted: Tree) -> None:
    query = select(Arm).where(col(Arm.playbook) == stage.case.slug)
    arms = {arm.account: arm for arm in (await stage.session.execute(query)).scalars()}
    for name, node in wanted.items():
        arm = arms.get(stage.id_of(name))
        if node is None:
            assert arm is None
            continue
        fields = {"arm": node} if isinstance(node, str) else node

        assert arm is not None
        assert {field: _of_arm(arm, field) for field in fields} == fields


def _of_arm(arm: Arm, field: str) -> object:
    return arm.contaminated_at is not None if field == "contaminated" else getattr(arm, field)
