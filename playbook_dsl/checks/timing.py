"""Times: durations, zones, quiet hours, calendars, times of day, goal and deadline."""

from collections.abc import Iterator
from datetime import date

from playbook_dsl.diagnostics import Report, listed
from playbook_dsl.nodes import Scalar
from playbook_dsl.parse.keys import short
from playbook_dsl.resolve.actions import split_due
from playbook_dsl.resolve.forms import is_day_in_words
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.syntax import ActionBody, AskBody, RepeatBody, Step, WaitBody
from playbook_dsl.timing.durations import approximate_seconds, parse_duration
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.timing.holidays import country_code
from playbook_dsl.timing.moments import DATE_WORDS, parse_until
from playbook_dsl.timing.quiet import parse_quiet
from playbook_dsl.timing.wall import minutes_of
from playbook_dsl.timing.zones import is_zone, suggest_zones
from playbook_dsl.types import DURATION
from playbook_dsl.values import Duration
from playbook_dsl.words import Expression, Word

_ZONE_WORDS = ("contact", "account", "team")


def constant(expression: Expression | None) -> Duration | None:
    """Give a duration that is written out, None when it depends on anything."""
    try:
        return parse_duration(expression.scalar.text) if expression else None
    except TimingError:
        return None


def check_fixed_durations(found: Resolution, report: Report) -> None:
    """PB501: retries and time-outs are durations of fixed length."""
    for word in _fixed(found):
        try:
            span = parse_duration(word.text)
        except TimingError as error:
            report.error("PB501", word.span, str(error))
            continue
        if span.business_days or span.working_seconds or approximate_seconds(span) <= 0:
            report.error(
                "PB501",
                word.span,
                f'"{short(word.text)}" is no time an attempt can take',
                hint="write seconds, minutes or hours, such as 30s",
            )


def _fixed(found: Resolution) -> Iterator[Word]:
    defaults = found.playbook.defaults
    for step_retry, timeout in [(defaults.retry, defaults.timeout), *((place.step.retry, place.step.timeout) for place in found.places)]:
        yield from (word for word in (step_retry.first, step_retry.at_most) if word) if step_retry else ()
        if timeout:
            yield timeout


def check_waits(found: Resolution, report: Report) -> None:
    """PB513: a duration that is written out is longer than nothing."""
    for use in found.uses:
        kind = use.checked.type
        if kind is None or kind.kind != DURATION.kind:
            continue
        try:
            span = parse_duration(use.scalar.text)
        except TimingError:
            continue
        if approximate_seconds(span) <= 0:
            report.error(
                "PB513", use.scalar.span, f'"{short(use.scalar.text)}" is no time at all', hint="write how long, such as 3 business days"
            )


def check_until_words(found: Resolution, report: Report) -> None:
    """PB517: a date in words is one the language knows."""
    for place in found.places:
        body = place.step.body
        if isinstance(body, WaitBody) and body.until:
            text = body.until.scalar.text.strip()
            if parse_until(text) is None and is_day_in_words(text):
                near = report.nearest(text, DATE_WORDS)
                hint = f'did you mean "{near}"?' if near else f"known: {listed(DATE_WORDS)}"
                report.error("PB517", body.until.scalar.span, f'"{short(text)}" is no day', hint=hint)


def check_times_of_day(found: Resolution, report: Report) -> None:
    """PB507: times of day are hours and minutes."""
    for place in found.places:
        body = place.step.body
        at = body.at if isinstance(body, WaitBody | RepeatBody) else None
        if at is not None:
            _try(report, "PB507", at, minutes_of)


def check_time_rules(found: Resolution, report: Report) -> None:
    """PB502, PB503, PB508, PB509: zones, quiet hours, calendar, closed days and working hours exist."""
    time = found.playbook.time
    for zone in time.zone:
        if zone.text not in _ZONE_WORDS and not is_zone(zone.text):
            close = suggest_zones(zone.text)
            near = report.nearest(zone.text, _ZONE_WORDS)
            hint = (
                f'did you mean "{near or close[0]}"?'
                if near or close
                else 'legal: contact, account, team, or a name such as "Europe/Berlin"'
            )
            report.error("PB503", zone.span, f'"{short(zone.text)}" is no time zone', hint=hint)
    if time.quiet:
        _try(report, "PB502", time.quiet, parse_quiet)
    if time.calendar and "." not in time.calendar.text:
        _try(report, "PB508", time.calendar, country_code)
    for day in time.closed:
        _try(report, "PB508", day, _closed_day)
    if time.hours:
        _try(report, "PB509", time.hours, _hours)


def _try(report: Report, code: str, word: Word, read: object) -> None:
    try:
        read(word.text)  # type: ignore[operator]  # a reader of one text
    except TimingError as error:
        report.error(code, word.span, str(error))


def _closed_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise TimingError(f'"{short(text)}" is no date: write 2026-12-24') from None


def _hours(text: str) -> None:
    start, dash, end = text.replace("–", "-").partition("-")
    if not dash or minutes_of(start.strip()) >= minutes_of(end.strip()):
        raise TimingError(f'"{short(text)}" are no working hours: write them as 09:00-17:00')


def check_days_of_people(found: Resolution, report: Report) -> None:
    """PB506 (warning): `days` beside a person's work count weekends too, which is seldom meant."""
    for place in found.places:
        for word in _people_times(found, place.step):
            span = constant(Expression(word))
            if span is not None and span.days and not span.business_days and span.days % 7:
                text = word.text.strip()
                working = (
                    text.replace("days", "business days").replace("day", "business day")
                    if "days" not in text
                    else text.replace("days", "business days")
                )
                hint = f'write "{working}", or "{span.days * 24} hours" if weekends count'
                report.warning("PB506", word.span, f'"{short(text)}" counts weekends and holidays, when nobody works', hint=hint)


def _people_times(found: Resolution, step: Step) -> Iterator[Scalar]:
    body = step.body
    if isinstance(body, AskBody) and body.up_to:
        yield body.up_to.scalar
    action = found.catalog.actions.get(body.action.text) if isinstance(body, ActionBody) else None
    if isinstance(body, ActionBody) and action:
        for entry in body.inputs.entries:
            param = action.inputs.get(entry.key.text)
            if param and param.kind == "due" and isinstance(entry.value, Scalar):
                parts = split_due(entry.value)
                yield parts[0] if parts else entry.value


def check_goal_and_deadline(found: Resolution, report: Report) -> None:
    """PB510: the goal has a condition, its own or an exit's, and can be reached before the play is stopped."""
    goal, deadline = found.playbook.goal, found.playbook.deadline
    names = [leave.name.text for leave in found.playbook.exits if leave.name]
    if goal and goal.name and goal.when is None and goal.name.text not in names:
        near = report.nearest(goal.name.text, names)
        hint = f'did you mean "{near}"?' if near else "give the goal an if, or name an exit so with as:"
        report.error("PB510", goal.name.span, f'the goal "{goal.name.text}" has no condition, and no exit is called so', hint=hint)
    if goal and goal.within and goal.by:
        report.error("PB510", goal.span, 'the goal has both "within" and "by"', hint="keep one of them")
    within, after = constant(goal.within if goal else None), constant(deadline.after if deadline else None)
    stops = deadline is not None and deadline.then is not None and deadline.then.text == "stop"
    if goal and goal.within and within and after and stops and approximate_seconds(within) > approximate_seconds(after):
        report.warning("PB510", goal.within.scalar.span, "the goal counts for longer than the deadline lets the play run")
