"""What goes wrong between what happens and what is known of it."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from scoring.simulate.options import Options
from scoring.simulate.seen.columns import Seen

SOURCES: Final = {
    "usage": "product",
    "ticket": "desk",
    "invoice": "billing",
    "meeting": "calendar",
    "email": "calendar",
    "survey": "surveys",
    "contact": "crm",
}
"""Which source a kind comes from. Contracts come from all of them and are never missing: without one nobody is a customer."""
_MOST_SKEW_DAYS: Final = 2.0


def spoil(columns: Iterable[Seen], options: Options) -> list[Seen]:
    """Give observations as they arrive under `options.mess`; the order is left to who builds them."""
    mess, n = options.mess, options.accounts
    rng = options.stream("mess")
    silent = {source: rng.random(n) < mess.missing for source in sorted(set(SOURCES.values()))}
    silent["product"] = rng.random(n) < mess.without_usage
    skew = np.where(rng.random(n) < mess.skewed, rng.uniform(-_MOST_SKEW_DAYS, _MOST_SKEW_DAYS, n), 0.0)
    spoiled = []
    for seen in columns:
        chance = options.stream(f"mess of {seen.kind} {seen.mark}")
        source = SOURCES.get(seen.kind)
        if source is not None:
            seen = seen.rows(~silent[source][seen.account])
            seen = seen.moved(occurred=skew[seen.account])
        late = np.where(chance.random(len(seen)) < mess.late, 1 + chance.exponential(mess.late_days, len(seen)), 0.0)
        seen = seen.moved(known=late)
        again = seen.rows(chance.random(len(seen)) < mess.duplicated)
        spoiled += [seen, again.moved(known=chance.uniform(0.01, 3, len(again)))]
    return [seen for seen in spoiled if len(seen)]
