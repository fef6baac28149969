"""A scorecard tried on the past, and looked at for what is hardly meant."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from activities.scoring.backtesting import CardBacktest, backtest_card
from activities.scoring.card_effect import effect_of
from activities.scoring.health import AccountHealth
from api.card_problems import BacktestNotPossible
from api.schemas.scorecards import BacktestOut, LintOut, RemarkOut
from api.services.card_effects import effect_out
from playbook_dsl.scorecard.card import Card
from playbook_dsl.scorecard.lint import Remark, lint_card
from playbook_dsl.scorecard.reach import reach_of, unreached
from scoring.health_backtest import Figure
from scoring.health_lint import Points, lint_scores
from scoring.predictions import LEAD_DAYS, WINDOW_DAYS
from storage.repositories.playbooks import list_published_playbooks, plan_of
from storage.repositories.scorecards import card_of, list_published_scorecards
from storage.session import Database, Session

LIMITS: Final = (
    "Looked at are conditions on health.score and health.band with fixed values, in audiences, triggers, the `if` of steps and branches."
    " Everything else counts as possible, so a band that is reached here may still be out of reach. Waits, exits and goals do not count."
)


async def try_card(database: Database, tenant: str, card: Card, months: int) -> BacktestOut:
    """Try a card on the past.

    Raises:
        BacktestNotPossible: there is no past, or nobody was lost in it.
    """
    async with database.begin(tenant) as session:
        others = [card_of(row) for row in await list_published_scorecards(session)]
    done = await backtest_card(database, tenant, card, others, datetime.now(UTC), months)
    figures = done.figures
    if not figures.rows:
        raise BacktestNotPossible(
            f'There is no snapshot of an account that "{card.name}" is for and that is older than the {LEAD_DAYS + WINDOW_DAYS} days'
            " after which it is known what became of it; nights, or a backfill of them, make snapshots."
        )
    if not figures.churned:
        raise BacktestNotPossible(f"None of the {figures.accounts} accounts was lost, so nothing can be said of who would have been found.")
    return BacktestOut.model_validate(
        asdict(figures)
        | {
            "card": card.name,
            "words": words_of(done),
            "first": done.first,
            "last": done.last,
            "unknown": {title: round(share, 4) for title, share in done.missing.items() if share > 0},
        }
    )


def words_of(done: CardBacktest) -> str:
    """Say the figures, each beside its interval and the base rate."""
    found = done.figures
    sentences = [
        f"Of {found.rows:,} rows ({found.accounts:,} accounts, {done.first} to {done.last}) {found.churned:,} were lost"
        f" {LEAD_DAYS} to {LEAD_DAYS + WINDOW_DAYS} days later; base rate of those with a score: {_share(found.base_rate)}.",
        f"AUC {_plain(found.auc)}; the tenth with the lowest scores is lost {_plain(found.top_decile_lift)} times as often as all"
        f" and holds {_share(found.top_decile_recall)} of the lost.",
    ]
    if not found.is_enough:
        sentences.append("So few were lost that these figures say next to nothing.")
    return " ".join(sentences)


def _plain(figure: Figure) -> str:
    return "unknown" if figure.value is None else f"{figure.value:.2f}" + _between(figure, "{:.2f}")


def _share(figure: Figure) -> str:
    return "unknown" if figure.value is None else f"{figure.value:.1%}" + _between(figure, "{:.1%}")


def _between(figure: Figure, form: str) -> str:
    if figure.low is None or figure.high is None:
        return ""
    return f" ({form.format(figure.low)} to {form.format(figure.high)})"


async def lint(session: Session, card: Card) -> LintOut:
    """Look at a card beside the published playbooks, and at the health it gives its accounts as they are now."""
    plans = [plan_of(row) for row in await list_published_playbooks(session)]
    effect = await effect_of(session, card, datetime.now(UTC))
    titles = {f"{group.id}.{measure.id}": measure.title for group, measure in card.measures()}
    told = effect_out(effect, plans)
    remarks = [
        *(
            Remark("band", band, f"No published playbook asks about health that is {band}; nobody is told to act on it.")
            for band in unreached(card, plans)
        ),
        *lint_card(card),
        *lint_scores([_points_of(each) for each in effect.own], titles),
        *([Remark("change", card.name, told.words)] if told.changed else ()),
    ]
    reaches = [reach_of(card, plan) for plan in plans]
    return LintOut(
        card=card.name,
        remarks=[RemarkOut(kind=each.kind, subject=each.subject, words=each.words) for each in remarks],
        accounts=len(effect.own),
        reach={each.playbook: sorted(each.bands) for each in reaches if each.asks},
        limits=LIMITS,
        effect=told,
    )


def _points_of(found: AccountHealth) -> Points:
    """Give the points of the measures of an account; those of a measure that is missing are none, whatever the card gives."""
    return {each.id: None if each.missing else each.points for each in found.health.measures}
