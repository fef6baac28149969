"""What people at an account have had, what is left, and who waits."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from api.problems import PlaybookNotFound
from api.schemas.budget import AccountBudget, ChannelBudget, ContactBudget, DefaultBudgets, MessageWaiting
from enrollment.budget import CHANNELS, Budget, read_budgets, turn, write_budgets
from playbook_dsl.values import Json
from storage.enrollment.published import find_published
from storage.repositories.accounts import list_contacts_by_account
from storage.repositories.tenants import change_settings
from storage.repositories.touches import find_default_budgets, list_sent, list_waiting
from storage.session import Session
from storage.touch_tables import TouchWait

_WITHOUT_A_BUDGET: Final = timedelta(days=30)


async def default_budgets(session: Session) -> DefaultBudgets:
    """Give the budgets that hold for every playbook without its own."""
    return DefaultBudgets.model_validate(write_budgets(await find_default_budgets(session)))


async def save_default_budgets(session: Session, body: DefaultBudgets) -> None:
    """Set them, all channels at once."""
    await change_settings(session, {"budget": read_budgets(body.model_dump(exclude_none=True))})


async def account_budget(session: Session, account: str, playbook: str | None) -> AccountBudget:
    """Give what everybody at an account has had.

    Raises:
        PlaybookNotFound: there is no published playbook of this name.
    """
    budgets = await _budgets(session, playbook)
    now = datetime.now(UTC)
    contacts = {contact.id: contact.name for contact in await list_contacts_by_account(session, account)}
    channels: dict[str, list[ChannelBudget]] = {contact: [] for contact in contacts}
    together: list[ChannelBudget] = []
    for channel in CHANNELS:
        budget = budgets.get(channel)
        since = now - (budget.window if budget else _WITHOUT_A_BUDGET)
        sent = await list_sent(session, channel, since, recipients=list(contacts))
        whole = await list_sent(session, channel, since, account=account)
        each, all_of_them = (None, budget) if budget is not None and budget.per == "account" else (budget, None)
        for contact, rows in channels.items():
            rows.append(_channel(channel, each, sent.get(contact, []), since, now))
        together.append(_channel(channel, all_of_them, whole.get("", []), since, now))
    return AccountBudget(
        account=account,
        playbook=playbook,
        contacts=[ContactBudget(contact=contact, name=contacts[contact], channels=rows) for contact, rows in sorted(channels.items())],
        together=together,
        waiting=[_waiting(row) for row in await list_waiting(session, account)],
    )


async def _budgets(session: Session, playbook: str | None) -> dict[str, Budget]:
    """Give what holds for a playbook, or by default, by channel."""
    own: Mapping[str, Json] = {}
    if playbook is not None:
        found = await find_published(session, playbook)
        if found is None:
            raise PlaybookNotFound(f'There is no published playbook "{playbook}".')
        own = found.rules.enroll.budget
    default = await find_default_budgets(session)
    return {channel: budget for channel in CHANNELS if (budget := Budget.of(own, channel) or Budget.of(default, channel)) is not None}


def _channel(channel: str, budget: Budget | None, sent: Sequence[datetime], since: datetime, now: datetime) -> ChannelBudget:
    wait = turn(budget, sent, [], now) if budget is not None else None
    return ChannelBudget.model_validate(
        {
            "channel": channel,
            "budget": f"{budget.count} per {budget.span}" if budget else None,
            "since": since,
            "had": len(sent),
            "left": max(0, budget.count - len(sent)) if budget else None,
            "frees_at": wait.until if wait else None,
        }
    )


def _waiting(row: TouchWait) -> MessageWaiting:
    known = row.model_dump(include={"run", "playbook", "channel", "urgent", "priority", "since", "until", "why"})
    # An address that is no contact's has no name that could be shown.
    return MessageWaiting.model_validate({**known, "step": row.step_key, "contact": row.recipient.partition("#")[0] or None})
