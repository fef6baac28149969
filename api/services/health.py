"""The health of an account as it is now, and what people say of it instead of the computed score."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from activities.scoring.contracts import OverrideInput
from activities.scoring.health import AccountHealth, health_json, health_of, refresh_health
from api.card_problems import HealthUnknown, OverrideNotFound
from api.plays import Plays
from api.problems import FieldProblem, RequestInvalid, TemporalAway
from api.schemas.scorecards import HealthOut, OverrideOut, PutOverride, TrendPoint
from api.security import Actor
from api.services.accounts import existing_account
from api.services.audit import audit
from storage.ids import new_id
from storage.repositories.health import add_override, end_override, list_health_history, list_overrides_to_time, read_open_overrides
from storage.scoring_tables import ScoreOverride
from storage.session import Database, Session

log = structlog.get_logger()

LONGEST: Final = timedelta(days=366)
_GRACE: Final = timedelta(seconds=5)


async def show_health(session: Session, account: str) -> HealthOut:
    """Compute the health of an account; nothing is written.

    Raises:
        AccountNotFound: there is no such account.
        HealthUnknown: no scorecard is for it.
    """
    await existing_account(session, account)
    found = await _known_health(session, account)
    since = found.as_of - timedelta(days=2 * found.card.trend_days)
    trend = [TrendPoint(as_of=row.as_of, score=row.score) for row in await list_health_history(session, account, since)]
    computed = health_json(found)
    return HealthOut.model_validate(
        computed
        | {
            "account": account,
            "score": found.shown,
            "band": found.band,
            "computed": found.health.score,
            "trend": trend,
            "override": override_out(found.override) if found.override else None,
            "as_of": found.as_of,
        }
    )


async def _known_health(session: Session, account: str) -> AccountHealth:
    found = await health_of(session, account)
    if found is None:
        raise HealthUnknown(
            f'No scorecard is for the account "{account}"; one called default is for all, and lost accounts have no health.'
        )
    return found


async def override_health(database: Database, plays: Plays, user: Actor, account: str, body: PutOverride) -> OverrideOut:
    """Let a person's word stand for the computed score until its time comes; the one before it ends.

    Raises:
        AccountNotFound, HealthUnknown: nothing was changed.
        RequestInvalid: it would be over already, or hold for longer than a year.
    """
    now = datetime.now(UTC)
    if not now < body.until <= now + LONGEST:
        wrong = (
            "is over already; name a time to come" if body.until <= now else "is more than a year away; look at the account again before"
        )
        raise RequestInvalid(errors=[FieldProblem(pointer="#/until", detail=wrong, code="bad_value")])
    async with database.begin(user.tenant) as session:
        await existing_account(session, account, lock=True)
        await _known_health(session, account)
        row = ScoreOverride(
            id=new_id(), account=account, score=body.score, reason=body.reason, by=user.name, created_at=now, until=body.until
        )
        before = await add_override(session, row, now)
        details = {"override": row.id, "score": body.score, "until": body.until.isoformat(), "reason": body.reason, "instead_of": before}
        await audit(session, user.name, "health.override", "account", account, details)
        await refresh_health(session, [account], now, history=False)
    for each in before:
        await _stop(plays, user.tenant, each, f"override {row.id}")
    try:
        await plays.start_override(timer_of(user.tenant, row))
    except TemporalAway:
        log.info("the relay starts the timer of an override", override=row.id)
    return override_out(row)


async def end_override_now(database: Database, plays: Plays, user: Actor, account: str) -> OverrideOut:
    """End what somebody says of an account's health before its time; the computed score counts again at once.

    Raises:
        AccountNotFound: there is no such account.
        OverrideNotFound: nobody says anything.
    """
    now = datetime.now(UTC)
    async with database.begin(user.tenant) as session:
        await existing_account(session, account, lock=True)
        open_now = (await read_open_overrides(session, [account], now)).get(account)
        row = await end_override(session, open_now.id, now, user.name) if open_now else None
        if row is None:
            raise OverrideNotFound(f'Nobody has overridden the health of "{account}"; the computed score is what counts.')
        await audit(session, user.name, "health.override_end", "account", account, {"override": row.id, "score": row.score, "by": row.by})
        await refresh_health(session, [account], now, history=False)
    await _stop(plays, user.tenant, row.id, user.name)
    return override_out(row)


async def _stop(plays: Plays, tenant: str, override: str, by: str) -> None:
    """Tell the timer of an override that has ended; one that is not told wakes at its time and finds nothing to do."""
    try:
        await plays.stop_override(tenant, override, by)
    except TemporalAway:
        log.info("the timer of an ended override sleeps on", override=override)


def timer_of(tenant: str, row: ScoreOverride) -> OverrideInput:
    """Give what the timer of an override is started with."""
    return OverrideInput(tenant=tenant, override=row.id, account=row.account, score=row.score, by=row.by, until=row.until)


def override_out(row: ScoreOverride) -> OverrideOut:
    """Give an override as the API shows it."""
    return OverrideOut.model_validate(row.model_dump())


class Timers:
    """Sees to it that every open override has its timer, whoever died between writing it down and starting it."""

    def __init__(self, grace: timedelta = _GRACE) -> None:
        """Know of none yet."""
        self._grace = grace
        self._known: set[str] = set()

    @property
    def known(self) -> Collection[str]:
        """Give the overrides that are known to have a timer."""
        return frozenset(self._known)

    async def keep(self, database: Database, plays: Plays, tenant: str) -> int:
        """Start the timers that may be missing; give how many were. A timer that was broken off, by whomever, begins again when due."""
        now, started = datetime.now(UTC), 0
        async with database.begin(tenant) as session:
            rows = await list_overrides_to_time(session, now - self._grace, sorted(self._known))
        for row in rows:
            started += await plays.start_override(timer_of(tenant, row))
            if row.until > now:
                self._known.add(row.id)
        return started
