"""Public holidays from the `holidays` library: used when a run starts, never inside it (its calendar travels as data)."""

import re
from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from functools import cache, lru_cache

import holidays
from holidays import registry

from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.errors import UnknownCountry
from playbook_dsl.timing.moments import add_months
from playbook_dsl.timing.zones import choose_zone

YEARS_AHEAD = 3
_CODE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z0-9]{1,6}))?")
# Names people write that the library does not use.
_ALIASES = {
    **{"america": "US", "usa": "US", "unitedstatesofamerica": "US", "britain": "GB", "greatbritain": "GB", "england": "GB-ENG"},
    **{"scotland": "GB-SCT", "wales": "GB-WLS", "northernireland": "GB-NIR", "czechrepublic": "CZ", "holland": "NL"},
    **{"korea": "KR", "republicofkorea": "KR", "russianfederation": "RU", "turkiye": "TR", "türkiye": "TR", "uae": "AE"},
    **{"cotedivoire": "CI", "côtedivoire": "CI", "deutschland": "DE", "österreich": "AT", "schweiz": "CH", "españa": "ES"},
    **{"italia": "IT", "brasil": "BR", "méxico": "MX", "macao": "MO", "syria": "SY", "vatican": "VA"},
}


@cache
def _countries() -> dict[str, str]:
    """Give ISO codes by name, all in lower case without spaces: `germany`, `de`, `deu` → `DE`."""
    codes: dict[str, str] = {}
    for module, (_, alpha_2, *others) in registry.COUNTRIES.items():
        for name in (module.replace("_", ""), alpha_2, *others):
            codes[name.lower()] = alpha_2
    return codes


def country_code(country: str) -> str:
    """Give the code of a country: `DE` for "Germany", "de" or "DEU"; `DE-BY` for a part of it.

    Raises:
        UnknownCountry: its holidays are not known.
    """
    wanted = country.strip()[:80]
    plain = "".join(letter for letter in wanted.lower() if letter.isalnum()).removeprefix("the")
    if plain in _ALIASES:
        return _ALIASES[plain]
    if plain in _countries():
        return _countries()[plain]
    match = _CODE.fullmatch(wanted)
    if match and match[2] and match[1].lower() in _countries():
        return _with_part(_countries()[match[1].lower()], match[2].upper(), wanted)
    names = {name: code for name, code in _countries().items() if len(name) > 3}
    close = get_close_matches(plain, [*names, *_ALIASES], n=1, cutoff=0.7)
    hint = f'did you mean "{close[0].title()}"?' if close else 'write a name such as "Germany" or an ISO code such as "DE"'
    raise UnknownCountry(f'the public holidays of "{wanted}" are not known; {hint}')


def _with_part(country: str, part: str, wanted: str) -> str:
    parts = sorted(registered for registered in _parts(country) if registered.isupper())
    if part in parts:
        return f"{country}-{part}"
    legal = f"its parts are {', '.join(parts)}" if parts else f'write "{country}"'
    raise UnknownCountry(f'the public holidays of "{wanted}" are not known; {legal}')


@cache
def _parts(country: str) -> tuple[str, ...]:
    return tuple(getattr(holidays, _class_name(country)).subdivisions)


def _class_name(country: str) -> str:
    return next(names[0] for names in registry.COUNTRIES.values() if names[1] == country)


@lru_cache(maxsize=4096)
def _table(code: str, year: int) -> tuple[tuple[date, ...], tuple[int, ...]]:
    """Give the public holidays of a year, and the weekdays (Monday = 0) of the weekend."""
    country, _, part = code.partition("-")
    table = holidays.country_holidays(country, subdiv=part or None, years=year)
    return tuple(sorted(day for day in table if day.year == year)), tuple(sorted(table.weekend))


def closed_days(country: str, first: date, last: date, extra: Iterable[date] = ()) -> tuple[date, ...]:
    """Give the public holidays of a country from one date to another (both included), and the extra closed days, sorted.

    Holidays that fall on a weekend are in, because quiet hours may name holidays without weekends.

    Raises:
        UnknownCountry: its holidays are not known.
    """
    code = country_code(country)
    days = {day for year in range(first.year, last.year + 1) for day in _table(code, year)[0]}
    return tuple(sorted(day for day in days | set(extra) if first <= day <= last))


def calendar_for(
    country: str | None,
    zone: str | None,
    today: date,
    extra: Iterable[date] = (),
    hours: tuple[str, str] = ("09:00", "17:00"),
) -> BusinessCalendar:
    """Give the calendar a run takes along: the holidays since new year and of three years ahead, weekend and zone.

    Without a country only the weekend and the extra days are closed; an unknown zone is UTC.

    Raises:
        UnknownCountry: the country's holidays are not known.
    """
    first, last = date(today.year, 1, 1), add_months(today, 12 * YEARS_AHEAD)
    extra_days = tuple(day for day in extra if first <= day <= last)
    return BusinessCalendar(
        zone=choose_zone([zone]),
        weekend=_table(country_code(country), today.year)[1] if country else (5, 6),
        opens=hours[0],
        closes=hours[1],
        closed=closed_days(country, first, last, extra_days) if country else extra_days,
        covers=(first, last),
        country=country_code(country) if country else None,
    )
