"""Scores as the API shows them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from activities.scoring.serving import NoCustomer as Lost
from activities.scoring.serving import NoSuchAccount, Serving
from api.paging import PageOf
from api.problems import AccountNotFound
from api.schemas.scores import AccountHealth, AccountScores, AnchorOut, FactorOut, FailedOut, PastScore, RiskOut, ScoreNow, ScoreOut
from api.scoring_problems import NoCustomer, OnlyStandIn, ScoreUnavailable
from scoring.anchors import anchors
from scoring.kept import read_prediction
from scoring.predictions import Prediction, Source, Target
from scoring.serve import ALL_AWAY, IS_FRESH, Answer, refusal, rests_on_old
from storage.repositories.scores import RiskFilter, list_history, list_money, list_risks, list_scores
from storage.scoring_tables import ScoreNow as Row
from storage.session import Session

_CENT: Final = Decimal("0.01")


async def score_now(serving: Serving, tenant: str, account: str, target: Target, body: ScoreNow) -> ScoreOut:
    """Score an account through the chain.

    Raises:
        AccountNotFound: there is none with this id.
        NoCustomer: it was lost.
        ScoreUnavailable: nobody can score it, or only an old score is there and a new one is wanted.
        OnlyStandIn: the best scorer failed, and no other is wanted.
    """
    try:
        answer = await serving.score(tenant, account, target, anew=body.anew)
    except NoSuchAccount as error:
        raise AccountNotFound(f'There is no account "{account}"; import it first, or correct the id.') from error
    except Lost as error:
        raise NoCustomer(f'The account "{account}" is no customer any more. {NoCustomer.advice}') from error
    refused, said = refusal(answer, body.allow), answer.prediction
    failed = [FailedOut.model_validate(asdict(each)) for each in answer.failed]
    if refused is not None or said is None:
        code, why = refused or (ALL_AWAY, answer.why)
        kind = ScoreUnavailable if code == ALL_AWAY else OnlyStandIn
        sentence = f"{why[0].upper()}{why[1:]}. {kind.advice}"
        raise kind(sentence, extra={"failed": [each.model_dump() for each in failed]})
    return _shown(said, answer, failed)


def _shown(said: Prediction, answer: Answer | None = None, failed: Sequence[FailedOut] = (), *, given_by: Source | None = None) -> ScoreOut:
    told = {
        **asdict(said),
        "factors": [FactorOut.model_validate(asdict(each)) for each in said.factors],
        "anchors": [AnchorOut(probability=probability, score=score) for probability, score in anchors(said.base_rate)],
        "failed": list(failed),
        "given_by": answer.given_by if answer else given_by,
        "age_s": answer.age_s if answer else max(0.0, (datetime.now(UTC) - said.scored_at).total_seconds()),
        "code": answer.code if answer else None,
        "why": answer.why if answer else "",
    }
    return ScoreOut.model_validate(told)


async def scores_of(session: Session, serving: Serving, account: str) -> AccountScores:
    """Give the newest scores of an account as they are kept; nobody is asked."""
    rows, found = await list_scores(session, account), await serving.health(session.tenant, account)
    health = found.health and AccountHealth(
        score=found.health.score,
        band=found.band,
        words=list(found.health.words),
        model_version=found.health.version,
        as_of=found.health.as_of,
        stale=found.stale,
        coverage=found.health.coverage,
    )
    return AccountScores(account=account, health=health, churn=_kept(rows.get("churn")), expansion=_kept(rows.get("expansion")))


def _kept(row: Row | None) -> ScoreOut | None:
    if row is None:
        return None
    try:
        said = read_prediction(row.prediction)
    except (KeyError, TypeError, ValueError):
        return None
    shown = _shown(said, given_by=said.source)
    now = datetime.now(UTC)
    shown.stale = now - said.scored_at > IS_FRESH or rests_on_old(said, said.source, now)
    return shown


async def risks(session: Session, which: RiskFilter, *, after: str | None, limit: int) -> PageOf[RiskOut]:
    """Give accounts by their risk."""
    page = await list_risks(session, which, after=after, limit=limit)
    money = await list_money(session, [row.account for row in page.items])
    return PageOf(items=[_risk(row, *money[row.account]) for row in page.items], next=page.next)


def _risk(row: Row, name: str, csm: str | None, mrr: Decimal | None, currency: str | None) -> RiskOut:
    arr = None if mrr is None else (mrr * 12).quantize(_CENT, ROUND_HALF_UP)
    at_risk = None if arr is None else (arr * Decimal(str(row.probability or 0))).quantize(_CENT, ROUND_HALF_UP)
    factors = row.prediction.get("factors")
    words = [str(each["words"]) for each in factors if isinstance(each, dict)] if isinstance(factors, list) else []
    told = row.model_dump(include={"account", "level", "source", "model_version", "coverage", "as_of", "scored_at"}) | {
        "score": round(row.score or 0),
        "probability": row.probability or 0,
        "name": name,
        "csm": csm,
        "arr": arr,
        "money_at_risk": at_risk,
        "currency": currency,
        "top_factors": words,
    }
    return RiskOut.model_validate(told)


async def history(session: Session, account: str, kind: str, *, after: str | None, limit: int) -> PageOf[PastScore]:
    """Give the scores of an account's nights."""
    page = await list_history(session, account, kind, after=after, limit=limit)
    return PageOf(items=[PastScore.model_validate(row.model_dump()) for row in page.items], next=page.next)
