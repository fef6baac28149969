"""What Stripe's actions do, come again after a lost answer, take back, and leave alone when a person was there meanwhile."""

from __future__ import annotations

import copy
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import pytest

from activities.actions import stripe_invoices
from activities.connections import Connections
from activities.contracts import ActionCall
from activities.effects import Ledger
from activities.failures import BadInput, CannotBeUndone, NotFound
from connectors.errors import Rejected, Unavailable
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from connectors.stripe.fake import FakeStripe
from storage.session import Database
from tests.activities.acting import call_of, ledger_of, make_account, run_of, undo_of

pytestmark = pytest.mark.servers

Loose: TypeAlias = Any
DAY = 86_400
LOST = Fault("lost", method="POST")


def furnished() -> FakeStripe:
    """Two customers, one of them in a trial, and an open invoice."""
    fake = FakeStripe()
    fake.add_customer("cus_1", "ACME", quantity=10)
    fake.add_customer("cus_2", "Globex", trial_days=5)
    fake.add_invoice("in_1", "cus_1")
    return fake


def discount(fake: FakeStripe) -> Loose:
    terms = ("percent_off", "amount_off", "currency", "duration", "duration_in_months")
    coupons = [fake.objects[each["source"]["coupon"]] for each in fake.objects["sub_1"]["discounts"]]
    return [{name: coupon[name] for name in terms if coupon[name] is not None} for coupon in coupons]


def quantity(fake: FakeStripe) -> Loose:
    return fake.objects["sub_1"]["items"]["data"][0]["quantity"]


def pause(fake: FakeStripe) -> Loose:
    return fake.objects["sub_1"]["pause_collection"]


def trial_days(fake: FakeStripe) -> Loose:
    return round((fake.objects["sub_2"]["trial_end"] - fake.objects["sub_2"]["trial_start"]) / DAY, 3)


def balance(fake: FakeStripe) -> Loose:
    return fake.objects["cus_1"]["balance"]


def status(fake: FakeStripe) -> Loose:
    return fake.objects["in_1"]["status"]


def set_quantity(fake: FakeStripe) -> None:
    items = copy.deepcopy(fake.objects["sub_1"]["items"])
    items["data"][0]["quantity"] = 99
    fake.change("sub_1", "customer.subscription.updated", items=items)


def set_trial(fake: FakeStripe) -> None:
    fake.change("sub_2", "customer.subscription.updated", trial_end=fake.objects["sub_2"]["trial_start"] + 99 * DAY)


def set_pause(fake: FakeStripe) -> None:
    fake.change("sub_1", "customer.subscription.updated", pause_collection={"behavior": "mark_uncollectible", "resumes_at": None})


def use_credit(fake: FakeStripe) -> None:
    entry = {"id": "cbtxn_used", "object": "customer_balance_transaction", "created": fake.now() + 1, "customer": "cus_1"}
    fake.objects["cbtxn_used"] = {**entry, "amount": 3000, "ending_balance": -2000, "currency": "eur", "metadata": {}}
    fake.change("cus_1", "customer.updated", balance=-2000)


@dataclass(frozen=True)
class Case:
    """An action, what it leaves at Stripe, and what a person does there afterwards."""

    action: str
    inputs: dict[str, Loose]
    state: Callable[[FakeStripe], Loose]
    before: Loose
    after: Loose
    meddle: Callable[[FakeStripe], None] | None = None
    meddled: Loose = None


MONTHS: Mapping[str, Loose] = {"duration": "repeating", "duration_in_months": 3}
EUR_50 = {"$money": ["50", "EUR"]}
CASES = {
    "percent": Case("stripe.apply_discount", {"percent_off": 10, "months": 3}, discount, [], [{"percent_off": 10.0, **MONTHS}]),
    "percent for": Case(
        "stripe.apply_discount", {"percent_off": 12.5, "for": {"$duration": {"months": 3}}}, discount, [], [{"percent_off": 12.5, **MONTHS}]
    ),
    "amount once": Case(
        "stripe.apply_discount",
        {"amount_off": EUR_50, "lasts": "once"},
        discount,
        [],
        [{"amount_off": 5000, "currency": "eur", "duration": "once"}],
    ),
    "amount in the account's currency": Case(
        "stripe.apply_discount",
        {"amount_off": 12.5, "lasts": "forever"},
        discount,
        [],
        [{"amount_off": 1250, "currency": "eur", "duration": "forever"}],
    ),
    "trial": Case("stripe.extend_trial", {"for": {"$duration": {"days": 14}}, "customer": "cus_2"}, trial_days, 5.0, 19.0, set_trial, 99.0),
    "pause": Case(
        "stripe.pause_collection",
        {"invoices": "void"},
        pause,
        None,
        {"behavior": "void", "resumes_at": None},
        set_pause,
        {"behavior": "mark_uncollectible", "resumes_at": None},
    ),
    "quantity to": Case("stripe.subscription.change_quantity", {"to": 25}, quantity, 10, 25, set_quantity, 99),
    "quantity by": Case("stripe.subscription.change_quantity", {"by": -3, "prorate": False}, quantity, 10, 7, set_quantity, 99),
    "credit": Case("stripe.credit_balance", {"amount": EUR_50, "text": "Sorry"}, balance, 0, -5000, use_credit, -2000),
}
VOID = Case("stripe.invoice.void", {"invoice": "in_1"}, status, "open", "void")
CHANGED_BY_PEOPLE = {name: case for name, case in CASES.items() if case.meddle}


@asynccontextmanager
async def acting(database: Database, fake: FakeStripe, action: str, inputs: dict[str, Loose]) -> AsyncIterator[tuple[Ledger, ActionCall]]:
    given = {"customer": "cus_1", **inputs} if not action.startswith("stripe.invoice") else inputs
    with serving(fake) as url:
        connections = Connections(database, url)
        try:
            yield ledger_of(database, connections=connections), call_of(run_of(await make_account(database)), action, inputs=given)
        finally:
            await connections.close()


def posts(fake: FakeStripe) -> list[str]:
    return [f"{each.path} {each.body}" for each in fake.received if each.method == "POST"]


@pytest.mark.parametrize("case", [*CASES.values(), VOID], ids=[*CASES, "void"])
async def test_it_happens_once_also_when_an_answer_is_lost(database: Database, case: Case) -> None:
    """The key is forgotten meanwhile, as Stripe does after a day: the second attempt must still not add to the first."""
    fake = furnished()
    was = case.state(fake)
    async with acting(database, fake, case.action, case.inputs) as (ledger, call):
        fake.faults.append(LOST)
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        fake._answers.clear()
        result = await ledger.perform(call)
        again = await ledger.perform(call)

    assert (was, case.state(fake)) == (case.before, case.after)
    assert result.status == "done"
    assert again == result


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
async def test_every_write_carries_a_key_and_comes_again_under_the_same(database: Database, case: Case) -> None:
    fake = furnished()
    async with acting(database, fake, case.action, case.inputs) as (ledger, call):
        fake.faults.append(LOST)
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        await ledger.perform(call)
        await ledger.undo(undo_of(call))
    keys: dict[str, set[str]] = {}
    for each in fake.received:
        if each.method == "POST":
            keys.setdefault(each.headers["idempotency-key"], set()).add(f"{each.path} {each.body}")

    assert all(len(asked) == 1 for asked in keys.values())
    assert case.state(fake) == case.before


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
async def test_it_is_taken_back_once(database: Database, case: Case) -> None:
    fake = furnished()
    async with acting(database, fake, case.action, case.inputs) as (ledger, call):
        await ledger.perform(call)
        first = await ledger.undo(undo_of(call))
        asked = len(fake.received)
        second = await ledger.undo(undo_of(call))

    assert (first.status, second.status) == ("undone", "undone")
    assert case.state(fake) == case.before
    assert len(fake.received) == asked


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
async def test_what_nobody_heard_of_is_taken_back_all_the_same(database: Database, case: Case) -> None:
    """Neither the answer of the effect nor the first one of its undo arrives."""
    fake = furnished()
    async with acting(database, fake, case.action, case.inputs) as (ledger, call):
        if case.action != "stripe.apply_discount":  # whose first write makes the coupon only
            fake.faults.append(LOST)
            with pytest.raises(Unavailable):
                await ledger.perform(call)
        else:
            await ledger.perform(call)
        fake.faults.append(LOST)
        with pytest.raises(Unavailable):
            await ledger.undo(undo_of(call))
        fake._answers.clear()
        undone = await ledger.undo(undo_of(call))

    assert undone.status in ("undone", "nothing")
    assert case.state(fake) == case.before


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
async def test_what_did_not_happen_is_not_taken_back(database: Database, case: Case) -> None:
    fake = furnished()
    async with acting(database, fake, case.action, case.inputs) as (ledger, call):
        fake.faults.append(Fault("status", 500, method="POST"))
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        asked = len(posts(fake))
        undone = await ledger.undo(undo_of(call))

    assert undone.status in ("undone", "nothing")
    assert case.state(fake) == case.before
    assert len(posts(fake)) == asked


@pytest.mark.parametrize("case", CHANGED_BY_PEOPLE.values(), ids=list(CHANGED_BY_PEOPLE))
async def test_what_a_person_changed_since_is_left_alone_unless_forced(database: Database, case: Case) -> None:
    fake = furnished()
    async with acting(database, fake, case.action, case.inputs) as (ledger, call):
        await ledger.perform(call)
        assert case.meddle is not None
        case.meddle(fake)
        left = await ledger.undo(undo_of(call))
        kept = case.state(fake)
        forced = await ledger.undo(undo_of(call, force=True))

    assert (left.status, kept) == ("conflict", case.meddled)
    assert "since" in str(left.detail)
    assert forced.status == "undone"
    assert case.state(fake) == (3000 if case.action == "stripe.credit_balance" else case.before)


async def test_a_discount_that_a_person_took_off_is_gone(database: Database) -> None:
    fake = furnished()
    async with acting(database, fake, "stripe.apply_discount", {"percent_off": 10, "lasts": "forever"}) as (ledger, call):
        await ledger.perform(call)
        fake.change("sub_1", "customer.subscription.updated", discounts=[])
        undone = await ledger.undo(undo_of(call))

    assert (undone.status, undone.detail) == ("nothing", "the discount is not on the subscription")


async def test_the_discounts_of_others_stay(database: Database) -> None:
    fake = furnished()
    async with acting(database, fake, "stripe.apply_discount", {"percent_off": 10, "months": 2}) as (ledger, first):
        second = call_of(run_of(first.run.account), first.action, inputs={**first.inputs, "percent_off": 20})
        await ledger.perform(first)
        await ledger.perform(second)
        both = [each["percent_off"] for each in discount(fake)]
        await ledger.undo(undo_of(first))

    assert both == [10, 20]
    assert [each["percent_off"] for each in discount(fake)] == [20]


async def test_an_invoice_is_mailed_once_and_cannot_be_called_back(database: Database) -> None:
    fake = furnished()
    async with acting(database, fake, "stripe.invoice.send", {"invoice": "in_1"}) as (ledger, call):
        fake.faults.append(LOST)
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        result = await ledger.perform(call)
        with pytest.raises(CannotBeUndone):
            await ledger.undo(undo_of(call))

    assert [each["type"] for each in fake.events].count("invoice.sent") == 1
    assert result.output == {"invoice": "in_1", "status": "open", "number": None, "amount_due": {"$money": ["50.00", "EUR"]}}


async def test_a_mail_in_doubt_is_not_repeated_when_stripe_has_forgotten_the_key(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_invoices, "KEY_REMEMBERED", timedelta(0))
    fake = furnished()
    async with acting(database, fake, "stripe.invoice.send", {"invoice": "in_1"}) as (ledger, call):
        fake.faults.append(LOST)
        with pytest.raises(Unavailable):
            await ledger.perform(call)
        fake._answers.clear()
        result = await ledger.perform(call)

    assert result.status == "unknown"
    assert [each["type"] for each in fake.events].count("invoice.sent") == 1


async def test_an_invoice_that_is_void_stays_so(database: Database) -> None:
    fake = furnished()
    fake.change("in_1", "invoice.voided", status="void")
    async with acting(database, fake, "stripe.invoice.void", {"invoice": "in_1"}) as (ledger, call):
        result = await ledger.perform(call)

    assert result.output["status"] == "void"
    assert posts(fake) == []


async def test_what_a_trial_and_a_subscription_say(database: Database) -> None:
    fake = furnished()
    async with acting(database, fake, "stripe.subscription.get", {"customer": "cus_2"}) as (ledger, call):
        found = (await ledger.perform(call)).output
        customer = (await ledger.perform(call_of(call.run, "stripe.customer.get", "who", {"customer": "cus_1"}))).output

    assert {name: found[name] for name in ("subscription", "customer", "status", "quantity", "interval", "discounts")} == {
        **{"subscription": "sub_2", "customer": "cus_2", "status": "trialing"},
        **{"quantity": 1, "interval": "month", "discounts": 0},
    }
    assert found["price"] == {"$money": ["20.00", "EUR"]}
    assert list(found["trial_end"]) == ["$datetime"]
    assert customer["balance"] == {"$money": ["0.00", "EUR"]}
    assert (customer["name"], customer["currency"]) == ("ACME", "EUR")


async def test_a_pause_that_has_an_end_says_so(database: Database) -> None:
    fake = furnished()
    async with acting(database, fake, "stripe.pause_collection", {"for": {"$duration": {"days": 30}}}) as (ledger, call):
        result = await ledger.perform(call)

    assert pause(fake)["behavior"] == "keep_as_draft"
    assert abs(pause(fake)["resumes_at"] - time.time() - 30 * DAY) < 2 * 3600
    assert list(result.output["resumes_at"]) == ["$datetime"]


async def test_the_undo_of_a_trial_whose_earlier_end_has_passed_ends_it_at_once(database: Database) -> None:
    fake = furnished()
    async with acting(database, fake, "stripe.extend_trial", {"for": {"$duration": {"days": 14}}, "customer": "cus_2"}) as (ledger, call):
        fake.change("sub_2", "customer.subscription.updated", trial_end=fake.now() + 30)
        await ledger.perform(call)
        undone = await ledger.undo(undo_of(call))

    assert undone.status == "undone"
    assert fake.objects["sub_2"]["status"] == "active"


WRONG: dict[str, tuple[str, dict[str, Loose], str]] = {
    "no size": ("stripe.apply_discount", {"months": 3}, "how much"),
    "two sizes": ("stripe.apply_discount", {"months": 3, "percent_off": 5, "amount_off": EUR_50}, "how much"),
    "no length": ("stripe.apply_discount", {"percent_off": 5}, "for how long"),
    "two lengths": ("stripe.apply_discount", {"percent_off": 5, "months": 3, "lasts": "once"}, "for how long"),
    "days": ("stripe.apply_discount", {"percent_off": 5, "for": {"$duration": {"days": 30}}}, "whole months"),
    "a word for an amount": ("stripe.apply_discount", {"amount_off": "much", "lasts": "once"}, "amount with a currency"),
    "less than a cent": ("stripe.credit_balance", {"amount": {"$money": ["0.005", "EUR"]}}, "no unit as small"),
    "half a yen": ("stripe.credit_balance", {"amount": {"$money": ["0.5", "JPY"]}}, "no unit as small"),
    "a debt": ("stripe.credit_balance", {"amount": {"$money": ["-5", "EUR"]}}, "more than nothing"),
    "no trial": ("stripe.extend_trial", {"for": {"$duration": {"days": 3}}}, "not in a trial"),
    "no end": ("stripe.extend_trial", {}, "how much longer"),
    "an end before": ("stripe.extend_trial", {"until": {"$duration": {"days": 2}}, "customer": "cus_2"}, "already"),
    "an end that is missing": ("stripe.pause_collection", {"until": None}, "without an end was not asked for"),
    "a past end": ("stripe.pause_collection", {"until": {"$date": "2020-01-01"}}, "in the future"),
    "a word": ("stripe.pause_collection", {"until": "soon"}, '"until"'),
    "no quantity": ("stripe.subscription.change_quantity", {}, "new quantity"),
    "nobody left": ("stripe.subscription.change_quantity", {"by": -10}, "cancel the subscription"),
    "another item": ("stripe.subscription.change_quantity", {"to": 3, "item": "si_none"}, 'no item "si_none"'),
}


@pytest.mark.parametrize(("action", "inputs", "says"), WRONG.values(), ids=list(WRONG))
async def test_what_makes_no_sense_is_refused_before_anything_is_written(
    database: Database, action: str, inputs: dict[str, Loose], says: str
) -> None:
    fake = furnished()
    async with acting(database, fake, action, inputs) as (ledger, call):
        with pytest.raises(BadInput, match=says):
            await ledger.perform(call)

    assert posts(fake) == []


@pytest.mark.parametrize(
    ("action", "inputs"), [("stripe.invoice.void", {"invoice": "in_none"}), ("stripe.subscription.get", {"subscription": "sub_none"})]
)
async def test_what_is_not_there_is_rejected(database: Database, action: str, inputs: dict[str, Loose]) -> None:
    async with acting(database, furnished(), action, inputs) as (ledger, call):
        with pytest.raises(Rejected, match="No such object"):
            await ledger.perform(call)


async def test_an_account_without_a_customer_is_told_what_to_do(database: Database) -> None:
    async with acting(database, furnished(), "stripe.credit_balance", {"amount": EUR_50, "customer": None}) as (ledger, call):
        with pytest.raises(NotFound, match='name one under "customer"'):
            await ledger.perform(call)


async def test_a_customer_that_was_deleted_or_left_is_told(database: Database) -> None:
    fake = furnished()
    fake.change("sub_1", "customer.subscription.deleted", status="canceled")
    async with acting(database, fake, "stripe.pause_collection", {}) as (ledger, call):
        with pytest.raises(NotFound, match="no running subscription"):
            await ledger.perform(call)
        fake.objects["cus_1"] = {"id": "cus_1", "object": "customer", "deleted": True}
        with pytest.raises(NotFound, match="was deleted"):
            await ledger.perform(call_of(call.run, "stripe.customer.get", "who", {"customer": "cus_1"}))
