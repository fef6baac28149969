"""What may be concluded, in one word and in a sentence for people who read no statistics."""

from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal, TypeAlias

from scoring.impact.readings import FEWEST, Measure, Reading, Unit

Word: TypeAlias = Literal["effective", "harmful", "inconclusive", "too_early"]

NAMES: Final[dict[Measure, str]] = {
    "churn": "the share of accounts that were lost",
    "renewed": "the share of accounts that renewed",
    "arr": "the change of yearly revenue an account",
    "nrr": "net revenue retention",
    "expansion": "added yearly revenue an account",
    "health": "health at the end",
    "usage": "logins in the last 30 days",
}
NO_HOLDOUT: Final = (
    "Nothing can be concluded: this playbook leaves nobody alone, so nobody knows what would have happened without it. "
    'Add "holdout: {share: 15%}" to its "enroll" and publish it; those who enter from then on are compared.'
)


@dataclass(frozen=True)
class Verdict:
    """A word and its sentence."""

    word: Word
    words: str


def judge(reading: Reading) -> Verdict:
    """Conclude from the measure that was to decide, at a look that was planned."""
    if not reading.enough:
        return Verdict("too_early", too_few(reading))
    if reading.effect_now.excludes_zero:
        return _decided(reading)
    return Verdict("inconclusive", f"Inconclusive: {_difference(reading)}, which includes no effect. {seen_at_least(reading)}")


def too_few(reading: Reading) -> str:
    """Say that there are not enough accounts yet."""
    fewest = min(reading.treated.accounts, reading.control.accounts)
    return (
        f"Too early: {reading.treated.accounts} played and {reading.control.accounts} left alone have come to the end of their time with "
        f"a known outcome, and the smaller group of {fewest} needs at least {FEWEST}."
    )


def seen_at_least(reading: Reading) -> str:
    """Say which effect would have been found."""
    if reading.detectable is None:
        return (
            "With so few accounts not even an end of all losses could be told from chance: hold out more, wait for more accounts, or judge "
            "together with similar playbooks."
        )
    base = reading.control.value
    size = amount(reading.detectable, reading.unit)
    of_base = f", {reading.detectable / base:.0%} of the {amount(base, reading.unit)} without it" if _relative(reading) and base else ""
    return f"The smallest effect that this many accounts would show in 4 of 5 cases is {size}{of_base}; a smaller one may be there."


def amount(value: float | None, unit: Unit) -> str:
    """Write a figure: a share in percent (points for differences), money with thousands, all else with one digit."""
    if value is None or not isfinite(value):
        return "an unknown amount"
    if unit == "share":
        return f"{value * 100:.1f} %"
    return f"{value:,.0f}" if unit == "money" else f"{value:.1f}"


def _decided(reading: Reading) -> Verdict:
    base = reading.control.value
    without = f" Without it: {amount(base, reading.unit)} of {reading.control.accounts} accounts." if base is not None else ""
    if reading.for_the_better:
        return Verdict("effective", f"Effective: {_difference(reading)}, which leaves out no effect.{without}")
    return Verdict("harmful", f"Harmful: {_difference(reading)}. Those who were left alone did better; stop it and look why.{without}")


def _difference(reading: Reading) -> str:
    """Say the difference with its interval."""
    effect, unit = reading.effect_now, reading.unit
    way = "is the same" if not effect.value else f"is {amount(abs(effect.value), unit)} {'higher' if effect.value > 0 else 'lower'}"
    if not isfinite(effect.low) or not isfinite(effect.high):
        return f"{NAMES[reading.measure]} {way} with the playbook, and how sure that is cannot be said"
    low, high = (f"{'+' if side > 0 else '-' if side < 0 else ''}{amount(abs(side), unit)}" for side in (effect.low, effect.high))
    return f"{NAMES[reading.measure]} {way} with the playbook, and the truth lies between {low} and {high}"


def _relative(reading: Reading) -> bool:
    return reading.measure == "churn"
