"""Health of the accounts of a tenant: cards, facts and features in; scores, history and facts out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias, cast

from activities.news import tell_plays
from activities.scoring.pages import Page
from playbook_dsl.scorecard.card import DEFAULT, Card
from playbook_dsl.scorecard.compiler import compile_scorecard
from playbook_dsl.values import Json, to_json
from scoring.features.definitions import FEATURE_SET
from scoring.health import Health, MeasureHealth, choose, driver_words, evaluate, shown
from scoring.known_facts import facts_of_features, with_facts
from scoring.panel import FeatureValue
from storage.calendars import calendar_of
from storage.fact_definitions import facts_of
from storage.facts import AccountRows, facts_from, read_accounts
from storage.repositories.accounts import lock_accounts
from storage.repositories.health import (
    HealthRow,
    read_newest_features,
    read_open_overrides,
    read_scores_before,
    read_scores_now,
    write_health,
    write_health_facts,
)
from storage.repositories.scorecards import card_of, list_published_scorecards
from storage.repositories.snapshots import list_account_ids
from storage.scoring_tables import ScoreNow, ScoreOverride
from storage.session import Database, Session

SHIPPED: Final = Path(__file__).resolve().parents[2] / "playbooks" / "scorecards" / "default.yaml"
"""The card of a tenant that has published none."""
SHIPPED_VERSION: Final = f"scorecard:{DEFAULT}-0"
FEATURES_WITHIN: Final = timedelta(days=7)
"""Older features are no longer said to be of now."""
_GONE: Final = "churned"
Facts: TypeAlias = Mapping[str, Json]
"""The facts under `health`."""


@dataclass(frozen=True)
class Cards:
    """The cards of a tenant, with the version of each. `shipped`: there is only the one that comes with the product."""

    cards: tuple[Card, ...]
    versions: Mapping[str, str]
    shipped: bool = False


@dataclass(frozen=True)
class AccountHealth:
    """The health of one account, and what it stands beside.

    Args:
        account: its id.
        card: by which it was computed; `version` is how it is named: `scorecard:default-3`.
        health: as computed.
        as_of: the moment of its facts.
        change: computed points more than `card.trend_days` before; None when there was no score then.
        override: what a person says instead, None when nobody does.
        kept: the health (`score`, `band`) that came from elsewhere and goes before the computed one, None when there is none.
        stored: the account's facts of health as they are now.
    """

    account: str
    card: Card
    version: str
    health: Health
    as_of: datetime
    change: float | None
    override: ScoreOverride | None
    kept: Facts | None
    stored: Facts

    @property
    def shown(self) -> float | None:
        """Give the score that people and playbooks see."""
        if self.override is not None:
            return self.override.score
        return self.health.score if self.kept is None else cast(float, self.kept["score"])

    @property
    def band(self) -> str | None:
        """Give the band of the score that is shown."""
        if self.kept is not None and self.override is None:
            return cast(str | None, self.kept.get("band"))
        return None if self.shown is None else self.card.band_of(self.shown)

    @property
    def is_left_alone(self) -> bool:
        """Say whether nothing is to be written: the health is from elsewhere, and stands as it is."""
        return self.kept is not None and self.override is None and self.stored.get("score") == self.kept["score"]


@lru_cache(maxsize=1)
def shipped_card() -> Card:
    """Give the card that comes with the product."""
    compiled = compile_scorecard(SHIPPED.read_bytes(), facts_of(None), path=str(SHIPPED))
    if compiled.card is None:
        raise RuntimeError(f"the scorecard that comes with the product is broken: {compiled.diagnostics[0].machine_line()}")
    return compiled.card


async def cards_of(session: Session) -> Cards:
    """Give the published cards; where there are none, the one that comes with the product."""
    rows = await list_published_scorecards(session)
    if not rows:
        return Cards((shipped_card(),), {DEFAULT: SHIPPED_VERSION}, shipped=True)
    return Cards(tuple(card_of(row) for row in rows), {row.name: f"scorecard:{row.name}-{row.version}" for row in rows})


async def health_page(database: Database, tenant: str, as_of: datetime, after: str, limit: int) -> Page:
    """Compute and keep the health of a page of accounts, in one transaction."""
    async with database.begin(tenant) as session:
        ids = await list_account_ids(session, after, limit)
        await refresh_health(session, ids, as_of)
        return Page(accounts=len(ids), last=ids[-1] if ids else after, more=len(ids) == limit)


async def health_of(session: Session, account: str, as_of: datetime | None = None) -> AccountHealth | None:
    """Give the health of an account as it is now; nothing is written. None without such an account, or without a card for it."""
    return (await healths_of(session, [account], as_of or datetime.now(UTC))).get(account)


async def refresh_health(session: Session, accounts: Sequence[str], as_of: datetime, *, history: bool = True) -> dict[str, AccountHealth]:
    """Compute the health of accounts and keep it; facts are written where they changed, and the plays of those accounts are told.

    The accounts are locked before anything is read, so that an override that comes meanwhile is neither missed nor overwritten.
    """
    await lock_accounts(session, accounts)
    found = await healths_of(session, accounts, as_of)
    written = [each for each in found.values() if not each.is_left_alone]
    changed = {each.account: new for each in written if (new := _changed(each))}
    await write_health(session, [_row(each) for each in written], history=history)
    await write_health_facts(session, changed, by="scorecard")
    await tell_plays(session, set(changed))
    return found


async def healths_of(session: Session, accounts: Sequence[str], as_of: datetime, *, cards: Cards | None = None) -> dict[str, AccountHealth]:
    """Compute the health of accounts that are customers, by other cards than the published ones if wanted, without keeping it."""
    rows = {account: each for account, each in (await read_accounts(session, accounts)).items() if each.account.status != _GONE}
    if not rows:
        return {}
    ids, cards = sorted(rows), cards or await cards_of(session)
    features = await read_newest_features(session, ids, FEATURE_SET, as_of, within=FEATURES_WITHIN)
    overrides = await read_open_overrides(session, ids, as_of)
    now = await read_scores_now(session, ids)
    # Tenths of a second of computing for a page: the worker's loop goes on meanwhile.
    computed = await asyncio.to_thread(_computed, rows, cards, features, as_of)
    found = {
        account: AccountHealth(
            account=account,
            card=card,
            version=cards.versions[card.name],
            health=health,
            as_of=as_of,
            change=None,
            override=overrides.get(account),
            kept=_kept(_stored(rows[account]), now.get(account)) if cards.shipped or health.score is None else None,
            stored=_stored(rows[account]),
        )
        for account, (card, health) in computed.items()
    }
    return await _with_trends(session, found, as_of)


def _computed(
    rows: Mapping[str, AccountRows], cards: Cards, features: Mapping[str, Mapping[str, FeatureValue]], as_of: datetime
) -> dict[str, tuple[Card, Health]]:
    computed = {}
    for account in sorted(rows):
        scope = scope_of_account(rows[account], as_of, features.get(account))
        card = choose(cards.cards, scope)
        if card is not None:
            computed[account] = card, evaluate(card, scope)
    return computed


def scope_of_account(rows: AccountRows, as_of: datetime, features: Mapping[str, FeatureValue] | None) -> dict[str, object]:
    """Give what a card is evaluated against: the account's facts, and where they say nothing, what its features say."""
    calendar = calendar_of(rows.account, rows.tenant)
    scope: dict[str, object] = {
        **facts_from(rows.account, rows.contacts, rows.people, rows.tenant),
        "now": as_of,
        "today": as_of.astimezone(calendar.tz).date(),
        "$zone": calendar.zone,
        "$calendar": calendar,
    }
    return with_facts(scope, facts_of_features(features, as_of)) if features else scope


def _stored(rows: AccountRows) -> Facts:
    stored = rows.account.facts.get("health")
    return cast(Facts, stored) if isinstance(stored, dict) else {}


def _kept(stored: Facts, now: ScoreNow | None) -> Facts | None:
    """Give the health that came from elsewhere.

    It is left alone while nobody has published a card, and where a card cannot say anything. That it is not ours is known by its being
    another than we wrote; while an override stands in its place it is kept with the score.
    """
    if stored.get("score") is None:
        return None
    if now is None or now.score != stored["score"]:
        return {name: stored.get(name) for name in ("score", "band")}
    kept = now.prediction.get("kept")
    return cast(Facts, kept) if isinstance(kept, dict) else None


async def _with_trends(session: Session, found: Mapping[str, AccountHealth], as_of: datetime) -> dict[str, AccountHealth]:
    by_days: dict[int, list[str]] = {}
    for account, each in found.items():
        by_days.setdefault(each.card.trend_days, []).append(account)
    before: dict[str, float] = {}
    for days, accounts in by_days.items():
        before |= await read_scores_before(session, accounts, as_of - timedelta(days=days))
    return {account: _with_change(each, before.get(account)) for account, each in found.items()}


def _with_change(each: AccountHealth, before: float | None) -> AccountHealth:
    if before is None or each.health.score is None or each.kept is not None:
        return each
    return replace(each, change=each.health.score - before)


def _changed(each: AccountHealth) -> dict[str, Json]:
    """Give the facts that are other than before; none when the score, its band and its trend are the same."""
    before = each.stored
    new: dict[str, Json] = {"score": _plain(each.shown), "band": each.band, "change_30d": _plain(each.change)}
    changed = {name: value for name, value in new.items() if value != before.get(name)}
    if "score" in changed:
        changed["previous"] = before.get("score")
    return changed | {"updated_at": to_json(each.as_of)} if changed else {}


def _plain(number: float | None) -> int | float | None:
    return int(number) if number is not None and number == int(number) else number


def _row(each: AccountHealth) -> HealthRow:
    return HealthRow(
        account=each.account,
        shown=each.shown,
        computed=each.health.score,
        band=each.band or "",
        version=each.version,
        coverage=each.health.coverage,
        prediction=health_json(each),
        as_of=each.as_of,
    )


def health_json(each: AccountHealth) -> dict[str, Json]:
    """Give a computed health as JSON, as it is kept and shown."""
    health = each.health
    return {
        "card": each.version,
        "title": each.card.title,
        "score": health.score,
        "band": health.band,
        "coverage": round(health.coverage, 4),
        "min_coverage": each.card.min_coverage,
        "trend_days": each.card.trend_days,
        "change": _plain(each.change),
        "kept": None if each.kept is None else dict(each.kept),
        "words": health.words,
        "factors": [driver_words(driver) for driver in health.drivers],
        "exceptions": [{"because": each.because, "cap": each.cap, "floor": each.floor, "changed": each.changed} for each in health.applied],
        "groups": [
            {
                "id": group.id,
                "title": group.title,
                "points": _rounded(group.points),
                "weight": _rounded(group.weight, 4),
                "measures": [_measure_json(measure) for measure in group.measures],
            }
            for group in health.groups
        ],
    }


def _measure_json(measure: MeasureHealth) -> Json:
    return {
        "id": measure.id,
        "title": measure.title,
        "value": to_json(measure.value),
        "unit": measure.unit,
        "shown": shown(measure),
        "points": _rounded(measure.points),
        "weight": _rounded(measure.weight, 4),
        "missing": measure.missing,
        "lost": _rounded(measure.lost),
    }


def _rounded(number: float | None, digits: int = 2) -> float | None:
    return None if number is None else round(number, digits)
