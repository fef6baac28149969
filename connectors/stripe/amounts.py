"""Amounts of money and moments in Stripe's form: whole numbers of a currency's smallest unit, and seconds since 1970."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from playbook_dsl.values import Json, Money, to_json

# ISK and UGX have no smaller unit either, but Stripe still wants them with two decimals.
_WHOLE: Final = frozenset(["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"])
_THOUSANDTHS: Final = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])


def _decimals(currency: str) -> int:
    return 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2


def smallest_units(money: Money) -> int:
    """Give an amount as Stripe wants it: 12.50 EUR is 1250, 500 JPY is 500.

    Raises:
        ValueError: the currency has no unit as small as that.
    """
    units = money.amount.scaleb(_decimals(money.currency))
    if units != units.to_integral_value():
        raise ValueError(f"{money.currency} has no unit as small as in {money.amount:f} {money.currency}")
    return int(units)


def money_of(units: int, currency: str) -> Money:
    """Give the amount behind a number of Stripe's."""
    code = currency.upper()
    return Money(Decimal(units).scaleb(-_decimals(code)), code)


def money_json(units: object, currency: object) -> Json:
    """Give an amount in the JSON form of values; None where Stripe says none."""
    if not isinstance(units, int) or isinstance(units, bool) or not isinstance(currency, str) or not currency:
        return None
    return to_json(money_of(units, currency))


def moment_of(seconds: object) -> datetime | None:
    """Give a moment; None where Stripe says none, or one no calendar has."""
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def moment_json(seconds: object) -> Json:
    """Give a moment in the JSON form of values; None where Stripe says none."""
    return to_json(moment_of(seconds))
