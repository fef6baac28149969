"""Whether somebody may be written to now: asked in the transaction that writes a message's intention down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from activities.contracts import ActionCall
from activities.failures import OverBudget
from enrollment.budget import Budget, Wait, turn, why
from playbook_dsl.values import Json
from storage.repositories.touches import (
    Mine,
    add_touches,
    find_default_budgets,
    list_before,
    list_sent,
    lock_touches,
    wait_for_turn,
    wait_no_more,
)
from storage.session import Database, Session


@dataclass(frozen=True)
class Reached:
    """Somebody a message goes to: a contact's id, or `#` and the digest of an address that is nobody's; and the name, if it is known."""

    recipient: str
    name: str = ""


def reached_json(session: Session, channel: str, contact: str | None, address: str, name: str) -> list[Json]:
    """Give a recipient as it is kept in a request."""
    column = "phone" if channel == "sms" else "email"
    return [contact or f"#{session.digest('contact', column, address)}", name]


def reached_of(kept: Json) -> tuple[Reached, ...]:
    """Give the recipients that a request keeps; requests of before budgets have none."""
    return tuple(Reached(str(one[0]), str(one[1])) for one in kept if isinstance(one, list)) if isinstance(kept, list) else ()


async def ask_budget(session: Session, call: ActionCall, effect: str, channel: str, reached: Sequence[Reached]) -> None:
    """Count a message against the budgets of those it goes to.

    Raises:
        OverBudget: it must wait. Nothing is to be kept of the transaction then; `queue_up` keeps the message's place.
    """
    if not reached:
        return
    names = {one.recipient: one.name for one in reached}
    account, sending = call.run.account, call.sending
    budget = None if sending is None else Budget.of(sending.budget, channel) or Budget.of(await find_default_budgets(session), channel)
    now = await lock_touches(session, account, channel, list(names))
    if sending is not None and budget is not None:
        mine = Mine(effect, urgent=sending.urgent, priority=sending.priority)
        waits = await _waits(session, _Asked(mine, budget, account, channel, names, now))
        if waits:
            raise _over(call, mine, budget, channel, waits)
        if sending.waited:
            await wait_no_more(session, effect)
    await add_touches(session, effect, {"account": account, "run": call.run.run_id, "playbook": call.run.playbook}, channel, list(names))


async def queue_up(database: Database, tenant: str, over: OverBudget) -> None:
    """Keep a message's place among those that wait."""
    async with database.begin(tenant) as session:
        await wait_for_turn(session, over.places)


@dataclass(frozen=True)
class _Asked:
    mine: Mine
    budget: Budget
    account: str
    channel: str
    names: dict[str, str]
    now: datetime


async def _waits(session: Session, asked: _Asked) -> dict[str, tuple[Wait, str]]:
    """Give those who cannot be written to now: recipients, or the empty name for the account; each with the wait and its reason."""
    budget, channel, names, now = asked.budget, asked.channel, asked.names, asked.now
    together = budget.per == "account"
    account = asked.account if together else None
    since = now - budget.window
    sent = await list_sent(session, channel, since, recipients=list(names), account=account, but=asked.mine.effect)
    before = await list_before(session, asked.mine, asked.account, channel, list(names))
    found: dict[str, tuple[Wait, str]] = {}
    for place in [""] if together else sorted(names):
        wait = turn(budget, sent.get(place, []), before.get(place, []), now)
        if wait is not None:
            found[place] = (wait, why(wait, budget, channel, "the account" if together else names[place], now))
    return found


def _over(call: ActionCall, mine: Mine, budget: Budget, channel: str, waits: dict[str, tuple[Wait, str]]) -> OverBudget:
    rows = [
        {
            "effect": mine.effect,
            "recipient": place,
            "account": call.run.account,
            "channel": channel,
            "urgent": mine.urgent,
            "priority": mine.priority,
            "until": wait.until,
            "gone_at": wait.until + budget.grace,
            "run": call.run.run_id,
            "playbook": call.run.playbook,
            "step_key": call.key,
            "why": words,
        }
        for place, (wait, words) in waits.items()
    ]
    # Who can be written to last decides when to ask again.
    last, words = max(waits.values(), key=lambda one: one[0].until)
    return OverBudget(last.until, words, rows)
