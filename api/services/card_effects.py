"""What publishing a scorecard changes at once: bands of accounts, and what playbooks make of that."""

from collections.abc import Sequence
from datetime import UTC, datetime

from activities.scoring.card_effect import CardEffect, effect_of
from api.schemas.scorecards import CardEffectOut
from enrollment.triggers import reads
from playbook_dsl.plan import Plan
from playbook_dsl.scorecard.card import Card
from storage.repositories.playbooks import list_published_playbooks, plan_of
from storage.session import Session
from storage.triggers.watching import watched_paths


async def tell_effect(session: Session, card: Card) -> CardEffectOut:
    """Say whose band changes with the next night if a card is, or was just, published."""
    plans = [plan_of(row) for row in await list_published_playbooks(session)]
    return effect_out(await effect_of(session, card, datetime.now(UTC)), plans)


def effect_out(effect: CardEffect, plans: Sequence[Plan]) -> CardEffectOut:
    """Give the effect of a card in words and figures."""
    playbooks = sorted(plan.playbook for plan in plans if _enters_by_health(plan))
    return CardEffectOut(
        words=_words(effect, playbooks),
        changed=effect.changed,
        looked_at=effect.looked_at,
        accounts=effect.accounts,
        changes=dict(effect.changes),
        playbooks=playbooks,
    )


def _enters_by_health(plan: Plan) -> bool:
    if plan.enroll is None:
        return False
    asked = reads(plan.enroll.audience).paths if plan.enroll.audience else frozenset[str]()
    watched = frozenset().union(*(watched_paths(trigger) for trigger in plan.enroll.triggers))
    return any(path.split(".")[0] == "health" for path in asked | watched)


def _words(effect: CardEffect, playbooks: Sequence[str]) -> str:
    of = f"a sample of {effect.looked_at:,} of {effect.accounts:,}" if effect.looked_at < effect.accounts else f"{effect.looked_at:,}"
    if not effect.changed:
        return f"By this card none of {of} accounts gets another band than it has now."
    how = ", ".join(f"{count:,} from {change}" for change, count in effect.changes.items())
    words = f"By this card {effect.changed:,} of {of} accounts get another band than they have now ({how}), though nothing happened to them"
    if not playbooks:
        return f"{words}; no published playbook is entered by health."
    return f"{words}; playbooks that are entered by health see that: {', '.join(playbooks)}."
