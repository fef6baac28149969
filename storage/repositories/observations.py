"""Observations of accounts in PostgreSQL: written in batches, each once, and read as they were known at a moment."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import TextClause, text

from storage.session import Session

RECENT_DAYS: Final = 150
"""Of usage and mail so many days are read; features look at 141. Of the time before only the first and last of their sorts are needed."""
FIRST_USE_DAYS: Final = 366
"""How long after the first report of usage the first use of a feature is looked for."""
LAST_USE_DAYS: Final = 730
"""How long back the last login is looked for."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation as it is stored; `scoring.observations.Observation` says what each is."""

    account: str
    occurred_at: datetime
    id: str
    kind: str
    subject: str
    values: Mapping[str, object]
    ingested_at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a batch: the places of those that were new, that were known, and whose id was taken by another at that moment."""

    new: tuple[int, ...]
    known: tuple[int, ...]
    other: tuple[int, ...]


_MONTHS: Final = text("SELECT playkeeper_month_partition(:parent, month) FROM unnest(CAST(:months AS date[])) AS month")
_BATCH: Final = """
    unnest(CAST(:places AS int[]), CAST(:accounts AS text[]), CAST(:moments AS timestamptz[]), CAST(:ids AS text[]), CAST(:kinds AS text[]),
           CAST(:subjects AS text[]), CAST(:records AS text[]), CAST(:learned AS timestamptz[]))
        AS batch (place, account, occurred_at, id, kind, subject, record, ingested_at)
"""
_INSERT: Final = text(f"""
    INSERT INTO observation (tenant, account, occurred_at, id, kind, subject, values, ingested_at)
    SELECT :tenant, account, occurred_at, id, kind, subject, record::jsonb, ingested_at FROM {_BATCH}
    ORDER BY account, occurred_at, id
    ON CONFLICT DO NOTHING RETURNING account, occurred_at, id
""")  # noqa: S608  # only the constant above
_DIFFERENT: Final = text(f"""
    SELECT batch.place FROM {_BATCH} CROSS JOIN LATERAL (
        -- One by one through the key: a join of whole tables would grow with what is kept.
        SELECT kept.kind, kept.subject, kept.values FROM observation AS kept
        WHERE kept.account = batch.account AND kept.occurred_at = batch.occurred_at AND kept.id = batch.id LIMIT 1
    ) AS kept
    WHERE (kept.kind, kept.subject, kept.values) IS DISTINCT FROM (batch.kind, batch.subject, batch.record::jsonb)
""")  # noqa: S608  # only the constant above


async def make_months(session: Session, parent: str, days: Iterable[date]) -> None:
    """See to it that a table has the months of these days. In a transaction of its own: making one locks the table for a moment."""
    months = sorted({day.replace(day=1) for day in days})
    await session.execute(_MONTHS, {"parent": parent, "months": months})


async def add_observations(session: Session, observations: Sequence[Seen]) -> Written:
    """Keep those that are not there yet. Their months must have been made (`make_months`).

    The same id at the same moment of the same account is the same observation; the first one that came stays, also within the batch.
    """
    first: dict[tuple[str, datetime, str], int] = {}
    for place, each in enumerate(observations):
        first.setdefault((each.account, each.occurred_at, each.id), place)
    asked = _columns(observations, list(first.values()))
    inserted = await session.execute(_INSERT, asked | {"tenant": session.tenant})
    new = {first[account, occurred_at, name] for account, occurred_at, name in inserted}
    rest = [place for place in range(len(observations)) if place not in new]
    other = set((await session.execute(_DIFFERENT, _columns(observations, rest))).scalars()) if rest else set()
    return Written(tuple(sorted(new)), tuple(place for place in rest if place not in other), tuple(sorted(other)))


def _columns(observations: Sequence[Seen], places: Sequence[int]) -> dict[str, object]:
    chosen = [observations[place] for place in places]
    return {
        "places": list(places),
        "accounts": [each.account for each in chosen],
        "moments": [each.occurred_at for each in chosen],
        "ids": [each.id for each in chosen],
        "kinds": [each.kind for each in chosen],
        "subjects": [each.subject for each in chosen],
        "records": [json.dumps(each.values) for each in chosen],
        "learned": [each.ingested_at for each in chosen],
    }


_COLUMNS: Final = "account, occurred_at, id, kind, subject, values, ingested_at"
_LIVELY: Final = "(values ? 'user' OR jsonb_path_exists(values, '$ ? (@.logins > 0 || @.active_users > 0)'))"


def _one(where: str, order: str) -> str:
    """Write the SQL of one observation of each account."""
    known = "account = asked.account AND occurred_at <= :cutoff AND ingested_at <= :cutoff"
    return f"""
        SELECT {_COLUMNS} FROM unnest(CAST(:accounts AS text[])) AS asked (account)
        CROSS JOIN LATERAL (
            SELECT occurred_at, id, kind, subject, values, ingested_at FROM observation
            WHERE {known} AND {where} ORDER BY occurred_at {order} LIMIT 1
        ) AS found
    """  # noqa: S608  # only constants of this module


_FEATURE_USED: Final = "(values ? 'feature' OR jsonb_path_exists(values, '$.features.* ? (@ > 0)'))"
_KNOWN: Final = "account = ANY(CAST(:accounts AS text[])) AND occurred_at <= :cutoff AND ingested_at <= :cutoff"
_QUERIES: Final[tuple[TextClause, ...]] = tuple(
    text(query)
    for query in (
        f"SELECT {_COLUMNS} FROM observation WHERE {_KNOWN} AND kind NOT IN ('usage', 'email')",  # noqa: S608  # constants
        f"SELECT {_COLUMNS} FROM observation WHERE {_KNOWN} AND kind IN ('usage', 'email') AND occurred_at > :recent",  # noqa: S608  # as above
        _one("kind = 'usage'", "ASC"),
        _one("kind = 'usage'", "DESC"),
        _one("kind = 'email'", "DESC"),
        _one(f"kind = 'usage' AND occurred_at > :long_ago AND {_LIVELY}", "DESC"),
    )
)
_FIRST_USES: Final = text(f"""
    SELECT {_COLUMNS} FROM unnest(CAST(:accounts AS text[]), CAST(:ends AS timestamptz[])) AS asked (account, ends)
    CROSS JOIN LATERAL (
        SELECT occurred_at, id, kind, subject, values, ingested_at FROM observation
        WHERE account = asked.account AND occurred_at <= least(asked.ends, :cutoff) AND ingested_at <= :cutoff
            AND kind = 'usage' AND {_FEATURE_USED} ORDER BY occurred_at LIMIT 1
    ) AS found
""")  # noqa: S608  # only constants of this module


_OBSERVED: Final = text("""
    SELECT account FROM unnest(CAST(:accounts AS text[])) AS asked (account)
    WHERE EXISTS (SELECT FROM observation WHERE observation.account = asked.account) ORDER BY account
""")


async def list_observed(session: Session, accounts: Sequence[str]) -> list[str]:
    """Give those of the accounts of whom anything was ever seen, in order."""
    return list((await session.execute(_OBSERVED, {"accounts": list(accounts)})).scalars())


async def list_observations(session: Session, accounts: Sequence[str], cutoff: datetime) -> list[Seen]:
    """Give what was known of accounts at a moment, as far as features look: all but old usage and old mail. One may come twice."""
    given = {
        "accounts": list(accounts),
        "cutoff": cutoff,
        "recent": cutoff - timedelta(days=RECENT_DAYS),
        "long_ago": cutoff - timedelta(days=LAST_USE_DAYS),
    }
    found: list[Seen] = []
    for query in _QUERIES:
        rows = await session.execute(query, {name: given[name] for name in query._bindparams})
        found += [Seen(*row) for row in rows]
    firsts: dict[str, datetime] = {}
    for each in found:
        if each.kind == "usage":
            firsts[each.account] = min(each.occurred_at, firsts.get(each.account, each.occurred_at))
    ends = [first + timedelta(days=FIRST_USE_DAYS) for first in firsts.values()]
    rows = await session.execute(_FIRST_USES, {"accounts": list(firsts), "ends": ends, "cutoff": cutoff})
    return found + [Seen(*row) for row in rows]
