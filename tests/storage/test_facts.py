from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import pytest
import pytest_asyncio
from sqlalchemy import func, literal, select
from sqlmodel import col

from playbook_dsl.catalog import FactDef
from playbook_dsl.expressions.evaluate import evaluator
from playbook_dsl.expressions.scope import Scope
from playbook_dsl.expressions.sql import CannotLower, lower
from playbook_dsl.types import Type, record
from playbook_dsl.values import Money, Value, to_json
from storage.fact_columns import fact_column
from storage.fact_definitions import FACTS, facts_of
from storage.facts import load_facts
from storage.loaded import load_for_play
from storage.repositories.accounts import save_accounts, save_contacts
from storage.repositories.people import save_people
from storage.repositories.runs import add_run
from storage.repositories.tasks import add_tasks
from storage.repositories.tenants import add_custom_fields, find_tenant
from storage.session import Database, Session
from storage.tables import Account, Person, Run, Task

pytestmark = pytest.mark.servers
Loose: TypeAlias = Any

OWN = [{"name": "contract_kind", "type": "text"}, {"name": "tenure", "type": "number"}, {"name": "services", "type": "list of text"}]
OWN += [{"name": "paperless", "type": "bool"}, {"name": "signed", "type": "date"}, {"name": "spend", "type": "money"}]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SAMPLES: dict[str, list[Value]] = {
    "text": ["a", "B", "", "Ü ' x", "10"],
    "number": [0, 1, -3, 62.5, 0.1, 12_345_678_901],
    "bool": [True, False],
    "date": [date(2026, 11, 23), date(2027, 2, 28)],
    "datetime": [datetime(2026, 11, 23, 7, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)],
    "money": [Money(Decimal("500"), "EUR"), Money(Decimal("499.99"), "EUR"), Money(Decimal("0"), "USD")],
    "list": [[], ["a"], ["a", "B"]],
}


def scope_of(facts: tuple[FactDef, ...]) -> Scope:
    tree: Loose = {}
    for fact in facts:
        *parents, last = fact.path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = fact.type

    def typed(node: Loose) -> Type:
        return node if isinstance(node, Type) else record({name: typed(child) for name, child in node.items()})

    return Scope({root: typed(node) for root, node in tree.items()})


def sample(rng: random.Random, kind: Type) -> Value:
    if kind.options:
        return rng.choice(kind.options)
    return rng.choice(SAMPLES[kind.kind])


def account_row(rng: random.Random, number: int) -> dict[str, object]:
    facts: Loose = {}
    for fact in FACTS:
        root, *rest = fact.path.split(".")
        if root in ("account", "contact") or rng.random() < 0.3:
            continue
        node = facts.setdefault(root, {})
        for part in rest[:-1]:
            node = node.setdefault(part, {})
        node[rest[-1]] = to_json(sample(rng, fact.type))
    if rng.random() < 0.7 and "contract" in facts:
        facts["contract"]["notice_days"] = rng.choice([30, 90, 0, 40_000])
    kinds: Loose = {"text": "text", "number": "number", "bool": "bool", "date": "date", "money": "money", "list of text": "list"}
    custom = {field["name"]: to_json(rng.choice(SAMPLES[kinds[field["type"]]])) for field in OWN if rng.random() < 0.7}
    return {
        "id": f"A-{number}",
        "name": rng.choice(["ACME", "acme", "Ünal"]),
        "status": rng.choice(["active", "churned"]),
        "stage": rng.choice([None, "live"]),
        "tier": rng.choice([None, "growth", "enterprise"]),
        "segment": rng.choice([None, "a"]),
        "country": rng.choice([None, "DE"]),
        "zone": rng.choice([None, "Europe/Berlin"]),
        "currency": rng.choice([None, "EUR", "USD"]),
        "mrr": rng.choice([None, Decimal("500"), Decimal("499.99"), Decimal("0.0001")]),
        "csm": rng.choice([None, "maria", "lost", "gone"]),
        "renewal_date": rng.choice([None, date(2027, 2, 28)]),
        "tags": rng.choice([[], ["a"], ["a", "B"]]),
        "custom": custom,
        "facts": facts,
    }


def contact_rows(rng: random.Random, account: str) -> list[dict[str, object]]:
    return [
        {
            "id": f"{account}-{rng.choice('abZ')}{number}",
            "account": account,
            "name": rng.choice(["Ann", "Bob"]),
            "email": rng.choice([None, "ann@a.example"]),
            "title": rng.choice([None, "CTO"]),
            "roles": rng.choice([[], ["user"], ["champion", "user"], ["primary_contact"]]),
            "opt_outs": [],
            "zone": rng.choice([None, "UTC"]),
            "language": None,
        }
        for number in range(rng.randrange(4))
    ]


@pytest_asyncio.fixture
async def book(database: Database) -> AsyncIterator[Session]:
    """A book of 60 random accounts, with plays and tasks on some; rolled back with the test's transaction."""
    rng = random.Random(7)
    async with database.begin("acme") as session:
        await add_custom_fields(session, OWN)
        await save_people(session, [Person(id="maria", name="Maria", email="m@x.example", manager="vera")])
        await save_people(session, [Person(id="vera", name="Vera", email="v@x.example"), Person(id="lost", name="Lo", email="l@x.example")])
        await save_accounts(session, [account_row(rng, number) for number in range(60)])
        contacts = [row for number in range(60) for row in contact_rows(rng, f"A-{number}")]
        await save_contacts(session, contacts)
        for number in range(0, 60, 7):
            state = rng.choice(["running", "closed"])
            run = Run(id=f"r{number}", chain="c", workflow_id="w", account=f"A-{number}", playbook="demo", version=1, state=state)
            await add_run(session, run, start={})
            await add_tasks(
                session, [Task(id=f"t{number}", kind="task", account=f"A-{number}", title="t", status=rng.choice(["open", "done"]))]
            )
        yield session
        await session.rollback()


def conditions(facts: tuple[FactDef, ...]) -> list[str]:
    """Conditions over every fact: whether it is there, how it compares, what it contains."""
    literals: dict[str, str] = {"text": '"a"', "number": "62.5", "bool": "true", "money": "500 EUR", "date": "today", "datetime": "now"}
    found: list[str] = []
    for fact in facts:
        kind = fact.type.kind
        if fact.path == "account.contacts":
            continue
        if kind == "list":
            found += [f'"a" in {fact.path}', f"len({fact.path}) > 1"]
            continue
        found.append(f"{fact.path} is missing")
        if fact.sealed:
            continue
        if kind == "bool":
            found.append(fact.path if not fact.type.optional else f"{fact.path} == true")
        elif fact.type.options:
            found.append(f'{fact.path} == "{fact.type.options[0]}"')
        else:
            operators = ("==", "!=") if kind == "text" else ("==", "!=", "<", ">=")
            found += [f"{fact.path} {operator} {literals[kind]}" for operator in operators]
    return [*found, 'in_play("demo")', "open_tasks() > 0", 'account.tier in ["growth", "enterprise"] and account.arr >= 6000 EUR']


async def test_every_fact_answers_alike_in_memory_and_in_sql(book: Session) -> None:
    tenant = await find_tenant(book)
    facts = facts_of(tenant)
    scope = scope_of(facts)
    sources = conditions(facts)
    lowered: Loose = {}
    for source in sources:
        condition = lower(source, scope, fact_column, now=NOW, today=NOW.date())
        assert not isinstance(condition, CannotLower), (source, condition)
        lowered[source] = func.coalesce(condition, literal(False))
    rows = (await book.execute(select(col(Account.id), *lowered.values()).select_from(Account))).all()

    different = []
    for account, *answers in rows:
        loaded = await load_facts(book, account)
        play = await load_for_play(book, account)
        assert loaded is not None
        assert play is not None
        plays, open_tasks = play["plays"], play["open_tasks"]
        assert isinstance(plays, list)
        env: Loose = loaded | {"now": NOW, "today": NOW.date(), "$in_play": plays.__contains__, "$open_tasks": lambda n=open_tasks: n}
        different += [
            (source, account, answer)
            for source, answer in zip(sources, answers, strict=True)
            if (evaluator(source)(env) is True) is not answer
        ]
    assert different == []
    assert len(sources) > 150


async def test_an_audience_is_told_that_it_cannot_look_into_a_sealed_fact(book: Session) -> None:
    scope = scope_of(facts_of(await find_tenant(book)))
    for source in ('contact.email == "ann@a.example"', 'contains(contact.email, "@")', "len(contact.email) > 3"):
        refused = lower(source, scope, fact_column, now=NOW, today=NOW.date())

        assert isinstance(refused, CannotLower), source
        assert refused.problems[0].code == "PB331"
        assert '"contact.email" is kept encrypted' in refused.problems[0].message


async def test_facts_hold_every_defined_name_even_when_nothing_is_known(database: Database) -> None:
    async with database.begin("acme") as session:
        await save_accounts(session, [{"id": "bare", "name": "Bare"}])
        loaded = await load_for_play(session, "bare")
        nothing = await load_for_play(session, "no-such-account")

    assert nothing is None
    assert loaded is not None
    facts = loaded["facts"]
    assert isinstance(facts, dict)
    for fact in FACTS:
        node: Loose = facts
        for part in fact.path.split("."):
            assert part in node, fact.path
            node = node[part]


async def test_the_notice_date_is_the_end_of_the_contract_minus_the_notice_period(database: Database) -> None:
    contract = {"end_date": to_json(date(2027, 3, 31)), "notice_days": 90}
    async with database.begin("acme") as session:
        await save_accounts(session, [{"id": "noticed", "name": "N", "facts": {"contract": contract}}])
        facts = await load_facts(session, "noticed")

    assert facts is not None
    account = facts["account"]
    assert isinstance(account, dict)
    assert account["notice_date"] == date(2027, 3, 31) - timedelta(days=90)
