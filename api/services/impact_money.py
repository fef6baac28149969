"""What a playbook brought and cost, with the assumptions under it."""

from decimal import Decimal
from typing import Final

from api.schemas.impact import EffortOut, MoneyOut
from api.services.impact_cohort import Found
from api.services.impact_words import estimate_out
from playbook_dsl.values import Json, Money, from_json
from scoring.impact.money import Effort, Prices, returned
from scoring.impact.readings import Cohort, Measure, Reading
from storage.session import Session

_FOREVER_MONTHS: Final = 12
_COUNTED: Final = {"once": 1, "forever": _FOREVER_MONTHS}


def open_discounts(session: Session, found: Found) -> tuple[float, int]:
    """Give what discounts cost together, and of how many that is not known.

    One of a share is taken off what the account paid when its arm was drawn, one for ever counts for a year.
    """
    paid = {row.arm.account: row.arm.mrr for row in found.rows}
    amounts = [
        _amount(session.open("effect", "request", row.key, row.request), paid.get(row.account), found.currency)
        for row in found.effort.discounts
    ]
    return sum(float(amount) for amount in amounts if amount is not None), sum(1 for amount in amounts if amount is None)


def _amount(request: Json, mrr: Decimal | None, currency: str) -> Decimal | None:
    terms = request.get("terms") if isinstance(request, dict) else None
    if not isinstance(request, dict) or not isinstance(terms, dict):
        return None
    lasts = terms.get("duration_in_months")
    months = lasts if isinstance(lasts, int) else _COUNTED.get(str(terms.get("duration")))
    percent, off = request.get("percent_off"), from_json(request.get("amount_off"))
    if months is None:
        return None
    if isinstance(off, Money):
        return off.amount * months if off.currency == currency else None
    if isinstance(percent, int | float) and mrr is not None:
        return mrr * months * Decimal(str(percent)) / 100
    return None


def money_out(found: Found, cohort: Cohort, readings: dict[Measure, Reading], discounts: tuple[float, int], prices: Prices) -> MoneyOut:
    """Turn the readings into money."""
    messages = found.effort.messages
    effort = Effort(found.effort.tasks, messages.get("email", 0), messages.get("sms", 0), discounts[0])
    result = returned(cohort, readings["churn"], readings["arr"], readings["expansion"], effort, prices)
    return MoneyOut(
        currency=found.currency,
        treated_arr=round(result.treated_arr, 2),
        saved=estimate_out(result.saved, 2),
        expanded=estimate_out(result.expanded, 2),
        net=estimate_out(result.net, 2),
        effort=EffortOut(
            tasks=effort.tasks, emails=effort.emails, sms=effort.sms, discounts=round(discounts[0], 2), discounts_unknown=discounts[1]
        ),
        cost=estimate_out(result.cost, 2),
        roi=estimate_out(result.roi, 3) if result.roi else None,
        assumptions=assumptions(prices, found.currency),
    )


def assumptions(prices: Prices, currency: str) -> list[str]:
    """Name what the figures stand on."""
    return [
        f"An hour of work costs {prices.hour:g} {currency}, and a task takes {prices.minutes_per_task:g} minutes, "
        f"give or take {prices.uncertain:.0%}, which is the interval of the cost.",
        f"An e-mail costs {prices.email:g} {currency}, a text message {prices.sms:g} {currency}.",
        f"Discounts come from the ledger of effects; one for ever counts for {_FOREVER_MONTHS} months.",
        "What is saved is the difference of churn times what the treated paid, as if losses did not depend on size.",
        "Net is the difference of yearly revenue an account times the treated accounts, winsorised at 1 % and 99 %; it holds what is saved "
        "and what is expanded, so the three are never added up.",
        "A difference at the end of the window is taken to last for a year.",
        "The interval of the return takes the worst of both intervals together, and is wider than it has to be.",
    ]
