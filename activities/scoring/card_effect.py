"""What a scorecard says of the accounts as they are now, and whose band it would change. Nothing is written."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from activities.scoring.health import AccountHealth, Cards, cards_of, healths_of
from playbook_dsl.scorecard.card import Card
from storage.repositories.health import sample_accounts
from storage.session import Session

MOST_ACCOUNTS: Final = 2_000
"""Of more accounts a part is looked at, always the same one."""
_PAGE: Final = 500
_NONE: Final = "no band"


@dataclass(frozen=True)
class CardEffect:
    """The accounts by a card beside the others that are published.

    Args:
        own: the health of those that the card is for.
        looked_at: how many customers were looked at, whichever card is theirs.
        accounts: how many accounts there are.
        changes: of those that have a band now, how many get another one, by "green to red".
    """

    own: tuple[AccountHealth, ...]
    looked_at: int
    accounts: int
    changes: Mapping[str, int]

    @property
    def changed(self) -> int:
        """Give how many get another band."""
        return sum(self.changes.values())


async def effect_of(session: Session, card: Card, as_of: datetime, *, most: int = MOST_ACCOUNTS) -> CardEffect:
    """Compute the health of accounts as the next night would if a card were published.

    Args:
        session: of the tenant.
        card: the card; it takes the place of the published one of its name.
        as_of: now.
        most: of how many accounts at most.
    """
    cards = with_card(await cards_of(session), card)
    ids, accounts = await sample_accounts(session, most)
    own: list[AccountHealth] = []
    changes: Counter[str] = Counter()
    looked_at = 0
    for first in range(0, len(ids), _PAGE):
        found = await healths_of(session, ids[first : first + _PAGE], as_of, cards=cards)
        looked_at += len(found)
        own += [each for each in found.values() if each.card.name == card.name]
        changes.update(change for each in found.values() if (change := _change(each)))
    return CardEffect(tuple(own), looked_at, accounts, dict(changes.most_common()))


def with_card(cards: Cards, card: Card) -> Cards:
    """Give the cards of a tenant as they are once a card is published."""
    others = () if cards.shipped else tuple(each for each in cards.cards if each.name != card.name)
    return Cards((*others, card), {**cards.versions, card.name: f"scorecard:{card.name}"})


def _change(each: AccountHealth) -> str:
    """Say from which band to which one; nothing for an account that has none now, or keeps its own."""
    before = each.stored.get("band")
    return "" if before is None or before == each.band else f"{before} to {each.band or _NONE}"
