"""What a scorecard's accounts show about it: measures that are missing, and measures that say the same of everybody."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from playbook_dsl.scorecard.lint import Remark

Points: TypeAlias = Mapping[str, float | None]
"""Points of the measures of one account by id; None where the measure is missing."""

LEAST_ACCOUNTS: Final = 20
"""With fewer accounts nothing is said of them."""
_MOST: Final = 0.5


def lint_scores(accounts: Sequence[Points], titles: Mapping[str, str]) -> list[Remark]:
    """Give the measures that are missing for most accounts, and those whose weight changes nothing between accounts.

    Args:
        accounts: the newest health of the accounts the card is for.
        titles: of the measures, by id.
    """
    if len(accounts) < LEAST_ACCOUNTS:
        return []
    remarks: list[Remark] = []
    for name, title in titles.items():
        known = [points for each in accounts if (points := each.get(name)) is not None]
        missing = 1 - len(known) / len(accounts)
        if missing > _MOST:
            words = f'"{title}" ({name}) is missing for {missing:.0%} of {len(accounts)} accounts; bring its facts in, or remove it'
            remarks.append(Remark("missing", name, words))
        elif max(known) - min(known) < 1:
            words = f'"{title}" ({name}) gives all {len(known)} accounts {round(known[0])} points, so its weight never matters'
            remarks.append(Remark("weight", name, words))
    return remarks
