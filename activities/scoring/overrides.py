"""Ends overrides of health whose time has come."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeAlias

from temporalio import activity

from activities.failures import as_activity_failure
from activities.scoring.contracts import OVERRIDE_END, OverrideEnd, OverrideOutcome
from activities.scoring.health import refresh_health
from storage.ids import new_id
from storage.repositories.accounts import lock_accounts
from storage.repositories.health import end_override, find_override_account
from storage.session import Database
from storage.tables import Audit

Service: TypeAlias = Callable[..., Awaitable[object]]


class Overrides:
    """The activities, with what they work with."""

    def __init__(self, database: Database) -> None:
        """End overrides of this database."""
        self._database = database

    def all(self) -> list[Service]:
        """Give all of them."""
        return [self.end]

    @activity.defn(name=OVERRIDE_END)
    async def end(self, call: OverrideEnd) -> OverrideOutcome:
        """End an override and show the computed health again; one that has ended is left as it is."""
        with as_activity_failure():
            async with self._database.begin(call.tenant) as session:
                now = datetime.now(UTC)
                # The account first, as requests do it: two who lock in another order would wait for each other.
                account = await find_override_account(session, call.override)
                await lock_accounts(session, [account] if account else [])
                row = await end_override(session, call.override, now, call.by)
                if row is None:
                    return OverrideOutcome(ended=False, by=call.by)
                details = {"override": row.id, "score": row.score, "by": row.by}
                session.add(
                    Audit(
                        tenant=session.tenant,
                        id=new_id(),
                        who=call.by,
                        what="health.override_end",
                        subject_kind="account",
                        subject_id=row.account,
                        details=details,
                    )
                )
                await refresh_health(session, [row.account], now, history=False)
                return OverrideOutcome(ended=True, by=call.by)
