"""Add spans of time to dates and moments, and compare spans."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Final

from playbook_dsl.expressions.environment import Env, calendar_of, zone_of
from playbook_dsl.values import Duration

_DAY_S: Final = 86_400
_MONTH_S: Final = 30.4375 * _DAY_S
"""A month in comparisons of spans that stand on no date: a twelfth of 365.25 days."""
_BUSINESS_DAY_S: Final = 1.4 * _DAY_S
"""Five business days take a week."""
_WORKING_S: Final = _DAY_S * 7 / (40 * 3600)
"""Forty working hours take a week."""


def length_s(span: Duration) -> float:
    """Give the usual length of a span in seconds, to compare spans by."""
    return (
        span.months * _MONTH_S
        + span.days * _DAY_S
        + span.business_days * _BUSINESS_DAY_S
        + span.working_seconds * _WORKING_S
        + span.seconds
    )


def has_fixed_length(span: Duration) -> bool:
    """Tell whether the span is as long wherever it begins: no months, business days or working hours."""
    return not (span.months or span.business_days or span.working_seconds)


def negative(span: Duration) -> Duration:
    """Give the same span backwards."""
    return Duration(-span.months, -span.days, -span.business_days, -span.working_seconds, -span.seconds)


def plus(first: Duration, second: Duration) -> Duration:
    """Give both spans, one after the other."""
    return Duration(
        first.months + second.months,
        first.days + second.days,
        first.business_days + second.business_days,
        first.working_seconds + second.working_seconds,
        first.seconds + second.seconds,
    )


def add_months(day: date, months: int) -> date:
    """Give the same day so many months later, or the last day of that month: 31 January and a month is 28 February."""
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month0 + 1, day=min(day.day, monthrange(year, month0 + 1)[1]))


def shift_date(day: date, span: Duration, env: Env) -> date | None:
    """Give the date after a span; whole days of hours count. None outside the calendar (years 1 to 9999)."""
    try:
        day = _shift_days(day, span, env)
        if span.working_seconds:
            start = datetime(day.year, day.month, day.day, tzinfo=zone_of(env))
            day = calendar_of(env).add_working_seconds(start, span.working_seconds).astimezone(zone_of(env)).date()
        return day + timedelta(days=span.seconds // _DAY_S) if span.seconds else day
    except (OverflowError, ValueError):
        return None


def shift_datetime(at: datetime, span: Duration, env: Env) -> datetime | None:
    """Give the moment after a span. Months and days keep the time of day in the zone. None outside the calendar."""
    try:
        if span.months or span.days or span.business_days:
            local = at.astimezone(zone_of(env))
            day = _shift_days(local.date(), span, env)
            at = local.replace(year=day.year, month=day.month, day=day.day, fold=0)
        if span.working_seconds:
            at = calendar_of(env).add_working_seconds(at.astimezone(zone_of(env)), span.working_seconds)
        return at.astimezone(UTC) + timedelta(seconds=span.seconds)
    except (OverflowError, ValueError):
        return None


def _shift_days(day: date, span: Duration, env: Env) -> date:
    if span.months:
        day = add_months(day, span.months)
    if span.days:
        day += timedelta(days=span.days)
    return calendar_of(env).add_business_days(day, span.business_days) if span.business_days else day
