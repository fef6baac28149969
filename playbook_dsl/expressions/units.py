"""Units of time and currency codes that may follow a number."""

from decimal import Decimal
from typing import Final

from playbook_dsl.values import Duration, Money

_UNITS: Final[dict[tuple[str, int], tuple[str, ...]]] = {
    ("months", 1): ("month", "months"),
    ("months", 3): ("quarter", "quarters"),
    ("months", 12): ("y", "yr", "yrs", "year", "years"),
    ("days", 1): ("d", "day", "days"),
    ("days", 7): ("w", "wk", "wks", "week", "weeks"),
    ("seconds", 3600): ("h", "hr", "hrs", "hour", "hours"),
    ("seconds", 60): ("m", "min", "mins", "minute", "minutes"),
    ("seconds", 1): ("s", "sec", "secs", "second", "seconds"),
    ("business_days", 1): ("business day", "business days", "working day", "working days", "work day", "work days"),
    ("working_seconds", 3600): ("business hour", "business hours", "working hour", "working hours", "work hour", "work hours"),
    ("working_seconds", 60): ("business minute", "business minutes", "working minute", "working minutes"),
}
UNITS: Final = {word: meaning for meaning, words in _UNITS.items() for word in words}
"""Every unit word an author may write, with the part of a `Duration` it fills and how much of it."""
PREFIXES: Final = frozenset({"business", "work", "working"})
_DAYS: Final = {"months": 31, "days": 1, "business_days": 2}
MOST_DAYS: Final = 100_000
"""The longest span, in days or business days: about 270 years. Longer ones leave the calendar."""

_CODES: Final = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP
CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD
JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN
NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES: Final = frozenset(_CODES.split())
"""ISO 4217."""


def duration_of(amount: str, unit: str) -> Duration | None:
    """Give the duration of a written amount, `("1.5", "hours")`; None when the unit cannot be divided that way or the span is too long."""
    part, factor = UNITS[unit]
    exact = Decimal(amount) * factor
    days = exact * _DAYS[part] if part in _DAYS else exact / 86_400
    if days > MOST_DAYS:
        return None
    whole = int(exact)
    if whole == exact:
        return Duration(**{part: whole})
    return Duration(seconds=float(exact)) if part == "seconds" else None


def money_of(amount: str, currency: str) -> Money:
    """Give the money of a written amount."""
    return Money(Decimal(amount), currency)
