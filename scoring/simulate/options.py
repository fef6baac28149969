"""What a simulated book is made from."""

import zlib
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np

Places: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
"""Whole numbers: places of accounts, weeks, running numbers."""

WEEK: Final = 7.0
"""Moments are floating-point days since midnight UTC of the book's first day; states change every seven of them."""


@dataclass(frozen=True, slots=True)
class Mess:
    """The inconsistencies of real life. Shares are 0 to 1; all are off unless asked for.

    Args:
        missing: share of the pairs of account and source (tickets, invoices, meetings and e-mails, surveys, contacts) that say nothing.
        without_usage: share of the accounts without a usage feed.
        late: share of the observations that arrive days late.
        late_days: the mean of how late those are, in days.
        duplicated: share of the observations that are delivered twice, with the same id.
        skewed: share of the accounts whose sources' clocks are wrong, ahead or behind, by up to two days.
        out_of_order: whether observations come in no order at all; otherwise by `occurred_at`.
    """

    missing: float = 0.0
    without_usage: float = 0.0
    late: float = 0.0
    late_days: float = 6.0
    duplicated: float = 0.0
    skewed: float = 0.0
    out_of_order: bool = False

    def __post_init__(self) -> None:
        for name in ("missing", "without_usage", "late", "duplicated", "skewed"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share; give it as 0 to 1")
        if self.late_days <= 0:
            raise ValueError("late_days must be above 0")


LIFELIKE: Final = Mess(missing=0.06, without_usage=0.03, late=0.04, duplicated=0.02, skewed=0.03, out_of_order=True)
"""As much of everything as a tidy company has."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What changes in the middle of a book. Months count from 0, the book's first.

    Args:
        logins_halved_from: from this month on a change of tracking reports half of the logins; customers do what they did.
        base_rate_from: from this month on the hazard of churn is multiplied by `base_rate_factor`.
        base_rate_factor: above 0.
    """

    logins_halved_from: int | None = None
    base_rate_from: int | None = None
    base_rate_factor: float = 1.0

    def __post_init__(self) -> None:
        if self.base_rate_factor <= 0:
            raise ValueError("base_rate_factor must be above 0")


@dataclass(frozen=True, slots=True)
class Options:
    """What a book is made from: the same options, the same book.

    Args:
        accounts: how many there are; some join later, all are given an id.
        months: how long the book runs.
        seed: another seed, another book.
        start: its first day; time is counted in weeks from here.
        base_rate: mean probability of churn in 90 days, 0 to 0.5, over accounts and weeks before any drift.
        expansion_rate: the same of expansion.
        joining: share of the accounts that become customers while the book runs.
        prefix: what ids begin with.
    """

    accounts: int = 300
    months: int = 18
    seed: int = 7
    start: date = date(2024, 1, 1)
    base_rate: float = 0.03
    expansion_rate: float = 0.05
    joining: float = 0.25
    prefix: str = "B-"
    mess: Mess = field(default_factory=Mess)
    drift: Drift = field(default_factory=Drift)

    def __post_init__(self) -> None:
        if self.accounts < 1 or self.months < 1:
            raise ValueError("a book has at least one account and one month")
        if not 0 < self.base_rate <= 0.5 or not 0 < self.expansion_rate <= 0.5:
            raise ValueError("base_rate and expansion_rate are probabilities in 90 days; give them above 0 and up to 0.5")
        if not 0 <= self.joining <= 1:
            raise ValueError("joining is a share; give it as 0 to 1")

    @property
    def weeks(self) -> int:
        """Length of the book in whole weeks."""
        return max(1, round(self.months * 365.25 / 12 / WEEK))

    @property
    def days(self) -> float:
        """Length of the book in days."""
        return self.weeks * WEEK

    def stream(self, part: str) -> np.random.Generator:
        """Give the chance of one part. Each part has its own, so that an option of one changes nothing in another."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, zlib.crc32(part.encode())])))


def month_start(options: Options, month: int) -> float:
    """Give the moment at which a month of the book begins."""
    first = np.datetime64(options.start, "M")
    begins = (first + month).astype("datetime64[D]") + (np.datetime64(options.start, "D") - first.astype("datetime64[D]"))
    return float((begins - np.datetime64(options.start, "D")).astype(np.int64))
