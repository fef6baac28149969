"""Enrollment: triggers that cannot fire, limits that cannot be read, an audience that is no query."""

from collections.abc import Mapping as Mapping_
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import ARRAY, Boolean, ColumnElement, Integer, LargeBinary, Text, column

from playbook_dsl.diagnostics import Report, listed
from playbook_dsl.enroll_syntax import EnrollSpec, TriggerSpec
from playbook_dsl.expressions.scope import Scope
from playbook_dsl.expressions.sql import CannotLower, Column, lower
from playbook_dsl.lower.values import node
from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.parse.keys import short
from playbook_dsl.resolve.resolution import Resolution
from playbook_dsl.resolve.scopes import fact_types
from playbook_dsl.syntax import StageBody, WaitUntilBody
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.timing.rates import read_rate
from playbook_dsl.timing.schedule import WrongSchedule, read_schedule
from playbook_dsl.types import Type
from playbook_dsl.words import Word

_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def check_events(found: Resolution, report: Report) -> None:
    """PB252 (warning): events are ones that something sends."""
    for word in _events(found):
        if word.text not in found.catalog.events and found.catalog.events:
            near = report.nearest(word.text, found.catalog.events)
            hint = f'did you mean "{near}"?' if near else f"known: {listed(found.catalog.events)}"
            report.warning("PB252", word.span, f'nothing known sends the event "{short(word.text)}"', hint=hint)


def _events(found: Resolution) -> list[Word]:
    words = [leave.event for leave in found.playbook.exits]
    for place in found.places:
        body = place.step.body
        if isinstance(body, WaitUntilBody):
            words += [alternative.event for alternative in body.alternatives]
        elif isinstance(body, StageBody):
            words += [leave.event for leave in body.exits]
    if found.playbook.enroll:
        words += [t.subject for t in found.playbook.enroll.triggers if t.kind == "event" and isinstance(t.subject, Scalar)]
    return [word for word in words if word and not word.is_null]


def check_triggers(found: Resolution, report: Report) -> None:
    """PB505, PB511, PB515: schedules come, thresholds can be crossed, and what is watched is a fact."""
    for trigger in found.playbook.enroll.triggers if found.playbook.enroll else ():
        if trigger.kind == "schedule":
            _check_schedule(report, trigger)
        elif trigger.kind == "score":
            _check_score(found, report, trigger)
        elif trigger.kind in ("change", "unchanged") and isinstance(trigger.subject, Scalar):
            _check_fact(found, report, trigger.subject)


def _check_schedule(report: Report, trigger: TriggerSpec) -> None:
    written = trigger.keys.get("schedule")
    if not isinstance(written, Mapping | Scalar) or (isinstance(written, Scalar) and written.is_null):
        return
    try:
        read_schedule(node(written))
    except WrongSchedule as wrong:
        report.error("PB505", _place_in(written, wrong.key).span, str(wrong))


def _place_in(written: Node, key: str) -> Node:
    """Give the value that a dotted key names, or the nearest one around it."""
    for name in key.split("."):
        found = written.get(name) if isinstance(written, Mapping) else None
        if found is None:
            return written
        written = found
    return written


def _check_score(found: Resolution, report: Report, trigger: TriggerSpec) -> None:
    subject = trigger.subject
    scores = sorted(name for name, kind in fact_types(tuple(found.catalog.facts)).items() if "score" in kind.fields)
    if isinstance(subject, Scalar) and scores and subject.text not in scores:
        near = report.nearest(subject.text, scores)
        hint = f'did you mean "{near}"?' if near else f"known: {listed(scores)}"
        report.error("PB515", subject.span, f'there is no score "{short(subject.text)}"', hint=hint)
    start, below, above = (_number(trigger, key) for key in ("from", "drops_below", "rises_above"))
    if start is not None and below is not None and start <= below:
        node = cast(Scalar, trigger.keys["from"])
        report.error(
            "PB511",
            node.span,
            f"a score that starts at {start:g} is not above {below:g} before it drops",
            hint="from is higher than drops_below",
        )
    if start is not None and above is not None and start >= above:
        node = cast(Scalar, trigger.keys["from"])
        report.error(
            "PB511",
            node.span,
            f"a score that starts at {start:g} is not below {above:g} before it rises",
            hint="from is lower than rises_above",
        )


def _number(trigger: TriggerSpec, key: str) -> float | None:
    node = trigger.keys.get(key)
    value = node.value if isinstance(node, Scalar) else None
    return float(value) if isinstance(value, int | float) else None


def _check_fact(found: Resolution, report: Report, subject: Word) -> None:
    kind: Type | None = None
    names = fact_types(tuple(found.catalog.facts))
    for number, part in enumerate(subject.text.split(".")):
        kind = names.get(part) if number == 0 else kind.fields.get(part) if kind else None
    if kind is None and names:
        paths = [fact.path for fact in found.catalog.facts]
        near = report.nearest(subject.text, paths)
        hint = f'did you mean "{near}"?' if near else "name a fact, such as account.stage"
        report.error("PB515", subject.span, f'there is no fact "{short(subject.text)}" to watch', hint=hint)


def check_limits(found: Resolution, report: Report) -> None:
    """PB512: limits, budgets and waves can be read."""
    enroll = found.playbook.enroll
    if enroll is None:
        return
    budgets = [count for _, count in enroll.budget.channels] if enroll.budget else []
    owners = [enroll.limits.per_owner] if enroll.limits and enroll.limits.per_owner else []
    for word in (*budgets, *owners):
        span = _span_of_rate(word.text)
        if span is None:
            report.error("PB512", word.span, f'"{short(word.text)}" is no count per time', hint="write 3 per week, or 3 per 14 days")
        elif not span and word in budgets:
            message = f'"{short(word.text)}" messages, but in what time?'
            report.error("PB512", word.span, message, hint=f"write {word.text.strip()} per 14 days")
    _check_waves(enroll, report)


def _span_of_rate(text: str) -> str | None:
    try:
        return read_rate(text)[1]
    except TimingError:
        return None


def _check_waves(enroll: EnrollSpec, report: Report) -> None:
    before = 0.0
    for wave in enroll.launch.waves if enroll.launch else ():
        try:
            share = float(wave.text.strip().removesuffix("%")) if wave.text.strip().endswith("%") and len(wave.text) < 10 else -1
        except ValueError:
            share = -1
        if not before < share <= 100:
            report.error(
                "PB512", wave.span, f'"{short(wave.text)}" is no wave: waves are shares that grow', hint="write waves: [5%, 25%, 100%]"
            )
            return
        before = share


def check_audience(found: Resolution, report: Report) -> None:
    """PB331 to PB333: an audience becomes a database query; the part that cannot is named."""
    enroll = found.playbook.enroll
    if enroll is None or enroll.audience is None:
        return
    expression = enroll.audience
    if any(use.scalar is expression.scalar and use.checked.errors for use in found.uses):
        return
    facts = fact_types(tuple(found.catalog.facts))
    sealed = frozenset(fact.path for fact in found.catalog.facts if fact.sealed)
    result = lower(expression.scalar.text, Scope(facts), _probe(facts, sealed), now=_SOME_DAY, today=_SOME_DAY.date())
    for problem in result.problems if isinstance(result, CannotLower) else ():
        span = found.document.place(expression.scalar, problem.offset, problem.length)
        report.error(problem.code, span, f"the audience: {problem.message}", hint=problem.hint)


def _probe(facts: Mapping_[str, Type], sealed: frozenset[str]) -> Column:
    """Give columns as a database would have them: one for each plain fact and each list of plain values, none for records."""

    def of(path: tuple[str, ...]) -> ColumnElement[Any] | None:
        if path[0].endswith("()"):
            return column(path[0], Boolean() if path[0] == "in_play()" else Integer())
        if ".".join(path) in sealed:
            return column(".".join(path), LargeBinary())
        kind = facts.get(path[0])
        for name in path[1:]:
            if kind is not None and kind.kind == "money" and name == "currency":
                return column("currency", Text())
            kind = kind.fields.get(name) if kind else None
        if kind is None or kind.kind == "record" or (kind.kind == "list" and (kind.item is None or kind.item.kind == "record")):
            return None
        return column(".".join(path), ARRAY(Text()) if kind.kind == "list" else None)

    return of
