"""Accounts that were lost by what was observed of their contracts: their status is brought up to it."""

from collections.abc import Mapping
from typing import Final

from activities.news import tell_plays
from scoring.features.labels import Loss
from storage.ids import new_id
from storage.repositories.accounts import lock_accounts, update_account
from storage.repositories.scores import LOST
from storage.session import Database
from storage.tables import Account, Audit

BY: Final = "observations"
"""Who changes the status, in the audit trail."""


async def mark_lost(database: Database, tenant: str, losses: Mapping[str, Loss]) -> list[str]:
    """Call accounts `churned` whose last contract was observed to be; give those for which that is new.

    A second time changes nothing: who is churned is left alone, and who was made a customer again since is one by what is observed too.
    """
    if not losses:
        return []
    marked: list[str] = []
    async with database.begin(tenant) as session:
        for name, account in (await lock_accounts(session, sorted(losses))).items():
            loss = losses[name]
            if account.status == LOST or not is_news(account, loss):
                continue
            because = f"observed: contract {loss.contract or 'without a name'} churned"
            details: dict[str, object] = {"fields": ["status"], "was": account.status, "because": because, "at": loss.at.isoformat()}
            session.add(
                Audit(tenant=tenant, id=new_id(), who=BY, what="account.change", subject_kind="account", subject_id=name, details=details)
            )
            marked.append(name)
            await update_account(session, name, {"status": LOST}, by=BY)
        await session.flush()
        await tell_plays(session, marked)
    return marked


def is_news(account: Account, loss: Loss) -> bool:
    """Say whether a loss is newer than what was last said of the account's status, by a person, a sync or an import.

    Of an account whose status was never changed, it is what was said when the account was made. What an import of the past says of the time
    before that does not overrule it.
    """
    if account.status_at is not None:
        return loss.at > account.status_at
    return loss.known_at > account.created_at
