"""Who the customers are: what stays as it is while the book runs."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.panel import Days, Flags, Numbers, Words
from scoring.simulate.months import months_later, whole_months
from scoring.simulate.names import company
from scoring.simulate.options import Options, Places

PLANS: Final = ("starter", "growth", "enterprise")
SIZES: Final = ("small", "medium", "large")
WHERE: Final = (("US", "America/New_York"), ("DE", "Europe/Berlin"), ("GB", "Europe/London"), ("FR", "Europe/Paris"), ("JP", "Asia/Tokyo"))
_CSMS: Final = {"US": ("ruth", "sam"), "JP": ("aiko",)}
_CSMS_ELSEWHERE: Final = ("maria", "tom", "aiko")
_SEATS: Final = np.array([20.0, 50.0, 160.0])
_SEAT_PRICE: Final = np.array([18.0, 35.0, 55.0])
_DAYS_OF_OLDEST: Final = 4 * 365


@dataclass(frozen=True)
class Accounts:
    """n customers, in columns.

    Args:
        ids: `B-0001` and so on.
        names: of the companies.
        plan: one of `PLANS` each; `size` one of `SIZES`.
        seats: bought at the beginning of the book, or when the account joins.
        mrr: monthly revenue then, in US dollars.
        country: with `zone`, and the `csm` who looks after it.
        term: months of a contract: 1, 12 or 24.
        began: when it became a customer, days before (below 0) or after the book's start; whole days.
        auto_renew: whether contracts go on by themselves.
        discount: share of the list price let off.
        satisfaction: what its satisfaction returns to, about 0 with a deviation of 0.4; `adoption` likewise.
    """

    ids: Words
    names: Words
    plan: Words
    size: Words
    seats: Places
    mrr: Numbers
    country: Words
    zone: Words
    csm: Words
    term: Places
    began: Numbers
    auto_renew: Flags
    discount: Numbers
    satisfaction: Numbers
    adoption: Numbers
    start: Days

    def __len__(self) -> int:
        """Give the number of accounts."""
        return len(self.ids)

    @property
    def began_on(self) -> Days:
        """The day on which each became a customer: (n,)."""
        began: Days = self.start + self.began.astype("timedelta64[D]")
        return began

    def months_on(self, day: float) -> Places:
        """Give the whole months each has been a customer on a day; below 0 before it is one: (n,)."""
        return whole_months(self.began_on, self.start + np.timedelta64(int(np.floor(day)), "D"))

    def month_day(self, months: Places) -> Numbers:
        """Give the day on which each has been a customer for so many months, in days of the book. (n,) or (k, n)."""
        return (months_later(self.began_on, months) - self.start).astype(np.int64).astype(float)

    def term_end(self, day: float) -> Numbers:
        """Give when the term that runs on a day ends, in days of the book; the first term's for who is no customer yet: (n,)."""
        return self.month_day(self.term * (np.maximum(0, self.months_on(day)) // self.term + 1))


def make_accounts(options: Options) -> Accounts:
    """Make the customers of a book."""
    rng, n = options.stream("accounts"), options.accounts
    size = rng.choice(3, n, p=[0.45, 0.38, 0.17])
    plan = np.clip(size + rng.choice([-1, 0, 1], n, p=[0.15, 0.7, 0.15]), 0, 2)
    seats = np.maximum(2, np.round(_SEATS[size] * rng.lognormal(0, 0.45, n))).astype(np.int64)
    discount = np.where(rng.random(n) < 0.4, rng.choice([0.05, 0.1, 0.15, 0.2], n), 0.0)
    mrr = np.round(seats * _SEAT_PRICE[plan] * rng.lognormal(0, 0.2, n) * (1 - discount), 2)
    where = rng.choice(len(WHERE), n, p=[0.4, 0.2, 0.2, 0.12, 0.08])
    term = np.where(rng.random(n) < np.array([0.5, 0.2, 0.05])[plan], 1, np.where(rng.random(n) < 0.75, 12, 24))
    start: Days = np.array(options.start, dtype="datetime64[D]")
    country = [WHERE[place][0] for place in where]
    return Accounts(
        ids=np.array([f"{options.prefix}{number:04d}" for number in range(1, n + 1)]),
        names=np.array([company(number) for number in range(n)]),
        plan=np.array(PLANS)[plan],
        size=np.array(SIZES)[size],
        seats=seats,
        mrr=mrr,
        country=np.array(country),
        zone=np.array([WHERE[place][1] for place in where]),
        csm=np.array([(csms := _CSMS.get(code, _CSMS_ELSEWHERE))[number % len(csms)] for number, code in enumerate(country)]),
        term=term.astype(np.int64),
        began=_began(options, rng, start),
        auto_renew=rng.random(n) < 0.7,
        discount=discount,
        satisfaction=rng.normal(0, 0.4, n),
        adoption=rng.normal(0, 0.45, n),
        start=start,
    )


def _began(options: Options, rng: np.random.Generator, start: Days) -> Numbers:
    """Most were customers before; the others join evenly. Nobody begins after the 28th, so that every month has that day."""
    n = options.accounts
    before = -np.floor(_DAYS_OF_OLDEST * rng.beta(1.1, 2.0, n)) - 1
    within = np.floor(options.days * rng.random(n))
    began = np.where(rng.random(n) < options.joining, within, before)
    day = start + began.astype("timedelta64[D]")
    over = (day - day.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) - 27
    kept: Numbers = began - np.maximum(0, over)
    return kept
