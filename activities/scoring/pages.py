"""Work over all accounts, a page at a time, for a while: what the stages of a night have in common."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from temporalio import activity

from activities.scoring.contracts import NightBatch, NightProgress
from storage.session import Database

PAGE_ACCOUNTS: Final = 500
"""Accounts that are worked off in one transaction."""
BATCH_S: Final = 20.0
"""A batch ends after this, so that the history shows how a night gets on and a stopping worker need not wait long."""


@dataclass(frozen=True)
class Page:
    """What came of a page: how many accounts it had, the last one's id, and whether there are more."""

    accounts: int
    last: str
    more: bool


StagePage: TypeAlias = Callable[[Database, str, datetime, str, int], Awaitable[Page]]
"""One page of a stage: database, tenant, as of when, the account after which it begins, how many at most."""


async def work_off(page: StagePage, database: Database, call: NightBatch) -> NightProgress:
    """Work pages off until there are no more or the while is over."""
    ends_at = time.monotonic() + BATCH_S
    after, accounts, more = call.after, 0, True
    while more:
        done = await page(database, call.tenant, call.as_of, after, PAGE_ACCOUNTS)
        after, accounts, more = done.last or after, accounts + done.accounts, done.more
        activity.heartbeat(call.stage, after)
        if time.monotonic() >= ends_at:
            break
    return NightProgress(accounts=accounts, after=after, more=more)
