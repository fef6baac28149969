"""All that is seen of a book, put together."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Final

import numpy as np

from scoring.observations import Observation
from scoring.simulate.mess import spoil
from scoring.simulate.outcomes import Outcomes
from scoring.simulate.seen.columns import Seen
from scoring.simulate.seen.contracts import contracts
from scoring.simulate.seen.money import invoices
from scoring.simulate.seen.people import contacts, emails, meetings
from scoring.simulate.seen.support import surveys, tickets
from scoring.simulate.seen.usage import usage
from scoring.simulate.world import World

KINDS: Final[tuple[Callable[[World, Outcomes], list[Seen]], ...]] = (
    contracts,
    contacts,
    usage,
    tickets,
    invoices,
    meetings,
    emails,
    surveys,
)


class Feed:
    """What is seen under the outcomes of a book; made once, when first asked for."""

    def __init__(self, world: World, outcomes: Outcomes) -> None:
        """Keep what it is made from."""
        self._world, self._outcomes = world, outcomes

    @cached_property
    def columns(self) -> list[Seen]:
        """All of it in columns, by account."""
        found = spoil((seen for kind in KINDS for seen in kind(self._world, self._outcomes)), self._world.options)
        return [seen.rows(np.argsort(seen.account, kind="stable")) for seen in found]

    def of(self, place: int | None) -> Iterator[Observation]:
        """Give the observations of an account, or of all, in the order the options ask for."""
        columns = self.columns if place is None else [_of(seen, place) for seen in self.columns]
        ids, first = self._world.accounts.ids.tolist(), self._world.first
        built = [each for seen in columns for each in seen.build(ids, first)]
        if self._world.options.mess.out_of_order:
            order = self._world.options.stream(f"order {place}").permutation(len(built))
            return iter([built[k] for k in order.tolist()])
        return iter(sorted(built, key=lambda each: (each.occurred_at, each.id, each.ingested_at)))


def _of(seen: Seen, place: int) -> Seen:
    begins, ends = np.searchsorted(seen.account, [place, place + 1])
    return seen.rows(np.arange(begins, ends))
