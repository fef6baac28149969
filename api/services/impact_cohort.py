"""The accounts of an experiment, read from the database and brought into the form that is computed with."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from api.problems import PlaybookNotFound
from api.services.impact_words import measure_of, span_words
from enrollment.holdout import TREATED
from scoring.impact.outcomes import Outcome, Paid, Past, Said, outcome_of
from scoring.impact.readings import Cohort, Measure
from scoring.panel import Numbers
from storage.enrollment.experiments import find_experiment, window_of
from storage.enrollment.published import Published, find_published
from storage.enrollment_tables import Experiment as LaidDown
from storage.repositories.impact import (
    ArmRow,
    EffortRow,
    OtherPlays,
    count_other_plays,
    count_played,
    list_arms,
    list_contract_words,
    list_revenue_changes,
    read_effort,
)
from storage.repositories.playbooks import find_playbook
from storage.repositories.tenants import find_tenant
from storage.session import Session

_MOST_OTHERS: Final = 20


@dataclass(frozen=True)
class Subject:
    """A playbook whose impact is asked for. What decides is what was laid down; before that it is as the published version says."""

    slug: str
    title: str
    published: Published | None
    laid_down: LaidDown | None = None

    @property
    def share(self) -> float:
        """Give the share that is left alone."""
        return self.published.rules.holdout_share if self.published else 0.0

    @property
    def measure_word(self) -> object:
        """Give what is to be compared, in the author's word."""
        return self.laid_down.measure if self.laid_down else self.published_word

    @property
    def measure(self) -> Measure:
        """Give the measure that decides."""
        return measure_of(self.measure_word)

    @property
    def published_word(self) -> object:
        """Give what the published version says is to be compared."""
        return ((self.published.rules.enroll.holdout or {}) if self.published else {}).get("measure")

    def window(self, now: datetime) -> timedelta:
        """Give how long each account is watched."""
        if self.laid_down:
            return timedelta(seconds=self.laid_down.window_s)
        return window_of(self.published.rules if self.published else None, now)

    def differs(self, now: datetime) -> str | None:
        """Say that the published version asks for another measure or time than the one that is in force."""
        if not self.laid_down or not self.published or not self.share:
            return None
        measure = measure_of(self.published_word)
        # Months are as long as they are when they begin, so what the version says is asked as of then.
        window = window_of(self.published.rules, self.laid_down.laid_at)
        if measure == self.measure and window == self.window(now):
            return None
        return (
            f"{self.measure} and {span_words(self.window(now))} an account were laid down with version {self.laid_down.version} and stay "
            f"in force. Version {self.published.version}, which is published, says {measure} and {span_words(window)}; that begins no new "
            "experiment. Publish it as a playbook of another name to begin one."
        )


async def find_subject(session: Session, slug: str) -> Subject:
    """Give a playbook.

    Raises:
        PlaybookNotFound: there is none of this name.
    """
    playbook = await find_playbook(session, slug)
    if playbook is None:
        raise PlaybookNotFound(f'There is no playbook "{slug}".')
    return Subject(slug, playbook.title, await find_published(session, slug), await find_experiment(session, slug))


@dataclass(frozen=True)
class Found:
    """Everything that was read of an experiment; what is computed from it needs no database any more."""

    now: datetime
    window: timedelta
    currency: str
    rows: Sequence[ArmRow] = ()
    said: Mapping[str, Sequence[Said]] = field(default_factory=dict)
    paid: Mapping[str, Sequence[Paid]] = field(default_factory=dict)
    others: Sequence[OtherPlays] = ()
    played: Mapping[str, int] = field(default_factory=dict)
    effort: EffortRow = field(default_factory=lambda: EffortRow(0, {}, []))

    @property
    def first_drawn_at(self) -> datetime | None:
        """Give when the first arm was drawn."""
        return self.rows[0].arm.drawn_at if self.rows else None

    @property
    def matured(self) -> list[ArmRow]:
        """Give the accounts whose time is over."""
        return [row for row in self.rows if row.arm.drawn_at + self.window <= self.now]


@dataclass(frozen=True)
class Experiment:
    """The accounts whose time is over, and why something is not known of some of them, by measure and reason."""

    cohort: Cohort
    unknown: Mapping[str, Mapping[str, int]]


async def read_experiment(session: Session, playbook: str, window: timedelta, now: datetime) -> Found:
    """Read the arms of a playbook and what was seen of their accounts."""
    tenant = await find_tenant(session)
    rows = await list_arms(session, playbook, window)
    found = Found(now, window, tenant.currency if tenant else "USD", rows)
    if not rows:
        return found
    said: dict[str, list[Said]] = defaultdict(list)
    for one in await list_contract_words(session, playbook):
        said[one.account].append(Said(one.at, one.subject, one.status, _number(one.mrr), _date(one.end)))
    paid: dict[str, list[Paid]] = defaultdict(list)
    for change in await list_revenue_changes(session, playbook, rows[0].arm.drawn_at):
        paid[change.account].append(Paid(change.at, None if change.before is None else float(change.before)))
    return Found(
        now=now,
        window=window,
        currency=found.currency,
        rows=rows,
        said=said,
        paid=paid,
        others=await count_other_plays(session, playbook, window, _MOST_OTHERS),
        played=await count_played(session, playbook),
        effort=await read_effort(session, playbook, window, now),
    )


def assemble(found: Found) -> Experiment:
    """Bring the accounts whose time is over into columns."""
    rows = found.matured
    outcomes = [_outcome(found, row) for row in rows]
    unknown: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        for measure, why in outcome.unknown.items():
            unknown[measure][why] += 1
    gone = np.array([outcome.unknown.get("churn") == "lost_before" for outcome in outcomes], bool)
    cohort = Cohort(
        treated=np.array([row.arm.arm == TREATED for row in rows], bool),
        # Within a stratum the chance to be left alone is the same; another share is another draw.
        strata=np.array([f"{row.arm.stratum} · {row.arm.share}" for row in rows], str),
        lost=_column([outcome.lost for outcome in outcomes]),
        renewed=_column([outcome.renewed for outcome in outcomes]),
        mrr=(_column([outcome.mrr_before for outcome in outcomes]), _column([outcome.mrr_after for outcome in outcomes])),
        health=_leading(rows, gone, "health"),
        usage=_leading(rows, gone, "usage"),
    )
    return Experiment(cohort, {measure: dict(whys) for measure, whys in unknown.items()})


def _leading(rows: Sequence[ArmRow], gone: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], name: str) -> tuple[Numbers, Numbers]:
    before, after = (_column([getattr(row, f"{name}_{when}") for row in rows]) for when in ("before", "after"))
    return before, np.where(gone, np.nan, after)


def _outcome(found: Found, row: ArmRow) -> Outcome:
    arm = row.arm
    return outcome_of(
        Past(
            drawn_at=arm.drawn_at,
            ends_at=arm.drawn_at + found.window,
            said=found.said.get(arm.account, ()),
            paid=found.paid.get(arm.account, ()),
            mrr_drawn=None if arm.mrr is None else float(arm.mrr),
            mrr_now=None if row.mrr is None else float(row.mrr),
            status_drawn=arm.status,
            status_now=row.status,
            money_counts=arm.currency in (None, found.currency),
        )
    )


def _column(values: Sequence[float | bool | None]) -> Numbers:
    return np.array([np.nan if value is None else float(value) for value in values], float)


def _number(value: object) -> float | None:
    """Give a number of an observation; text and truth are none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10]) if value is not None else None
    except ValueError:
        return None
