"""Add spans of time to dates and moments, and compare spans."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from playbook_dsl.expressions.environment import Env, calendar_of, zone_of
from playbook_dsl.timing.moments import add_months
from playbook_dsl.timing.wall import moment
from playbook_dsl.values import Duration

_DAY_S: Final = 86_400


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
            if day != local.date():
                at = moment(local.replace(tzinfo=None, fold=0, year=day.year, month=day.month, day=day.day), zone_of(env))
        if span.working_seconds:
            at = calendar_of(env).add_working_seconds(at, span.working_seconds)
        return at.astimezone(UTC) + timedelta(seconds=span.seconds)
    except (OverflowError, ValueError):
        return None


def _shift_days(day: date, span: Duration, env: Env) -> date:
    if span.months:
        day = add_months(day, span.months)
    if span.days:
        day += timedelta(days=span.days)
    return calendar_of(env).add_business_days(day, span.business_days) if span.business_days else day
