"""Observations in columns: made for all accounts at once, turned into `Observation`s when somebody asks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import numpy as np

from scoring.observations import Observation, Value
from scoring.panel import Flags, Numbers
from scoring.simulate.options import Places

Column: TypeAlias = np.ndarray[Any, np.dtype[Any]]
"""(n,) numbers (NaN missing), flags, texts ("" missing), `datetime64[D]` (NaT missing), or (n, k) counts of the k `names`."""

_SECONDS: Final = 86_400


@dataclass(frozen=True)
class Seen:
    """n observations of a kind.

    Args:
        kind: as in `scoring.observations.KINDS`.
        mark: letters of the ids: an id is the account's, the mark and the number.
        account: (n,) places.
        number: (n,) unique for an account and mark.
        occurred: (n,) moments in days of the book; `known` when we learn of them.
        values: by name.
        about: letters of the subject, whose number is `about_number`; no subject when empty.
        names: what the columns of counts count.
    """

    kind: str
    mark: str
    account: Places
    number: Places
    occurred: Numbers
    known: Numbers
    values: Mapping[str, Column]
    about: str = ""
    about_number: Places | None = None
    names: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        """Give the number of observations."""
        return len(self.account)

    def rows(self, chosen: Flags | Places) -> "Seen":
        """Give some of the observations."""
        return replace(
            self,
            account=self.account[chosen],
            number=self.number[chosen],
            occurred=self.occurred[chosen],
            known=self.known[chosen],
            values={name: column[chosen] for name, column in self.values.items()},
            about_number=None if self.about_number is None else self.about_number[chosen],
        )

    def moved(self, occurred: Numbers | float = 0.0, known: Numbers | float = 0.0) -> "Seen":
        """Give the observations with their two clocks put forward by days."""
        return replace(self, occurred=self.occurred + occurred, known=self.known + known)

    def build(self, ids: list[str], first: datetime) -> Iterator[Observation]:
        """Make the observations. `ids`: of the accounts by place; `first`: midnight of the book's first day."""
        about = self.number if self.about_number is None else self.about_number
        names = list(self.values)
        columns = [_cells(self.values[name], self.names) for name in names]
        moments = np.round(self.occurred * _SECONDS).astype(np.int64).tolist()
        known = np.round(self.known * _SECONDS).astype(np.int64).tolist()
        rows = zip(self.account.tolist(), self.number.tolist(), about.tolist(), moments, known, strict=True)
        for (place, number, subject, occurred, ingested), values in zip(rows, zip(*columns, strict=True), strict=True):
            account = ids[place]
            yield Observation(
                id=f"{account}-{self.mark}{number}",
                account=account,
                kind=self.kind,
                occurred_at=first + timedelta(seconds=occurred),
                ingested_at=first + timedelta(seconds=ingested),
                subject=f"{account}-{self.about}{subject}" if self.about else "",
                values={name: value for name, value in zip(names, values, strict=True) if value is not None},
            )


def days_of(start: Column, moments: Numbers) -> Column:
    """Give the dates of moments, NaT where they are NaN."""
    days = np.full(len(moments), np.datetime64("NaT", "D"))
    there = np.isfinite(moments)
    days[there] = start + np.floor(moments[there]).astype("timedelta64[D]")
    return days


def _cells(column: Column, names: tuple[str, ...]) -> list[Value]:
    if column.ndim == 2:
        return [{name: count for name, count in zip(names, row, strict=True) if count} for row in column.tolist()]
    kind, cells = column.dtype.kind, column.tolist()
    if kind == "M":
        return [None if cell is None else cell.isoformat() for cell in cells]
    if kind == "f":
        return [None if cell != cell else round(cell, 3) for cell in cells]
    return [None if cell == "" else cell for cell in cells]
