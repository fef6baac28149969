"""What is so when a tested play starts: facts, calendar, inputs, the event that started it."""

from collections.abc import Mapping as Map
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from activities.contracts import JsonTree, LoadedFacts, RunInput, RunRef, TriggerInfo
from playbook_dsl.catalog import Catalog
from playbook_dsl.diagnostics import Report
from playbook_dsl.expressions.evaluate import EvaluationError, evaluator
from playbook_dsl.expressions.template import evaluate_node
from playbook_dsl.nodes import Mapping, Scalar
from playbook_dsl.plan import FormField, Plan, SplitStep, walk
from playbook_dsl.resolve.scopes import fact_types
from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.timing.holidays import calendar_for
from playbook_dsl.timing.zones import choose_zone
from playbook_dsl.types import ANY, BOOL, DATE, DURATION, MONEY, NUMBER, TEXT, Type, list_of, one_of, record
from playbook_dsl.values import Value, to_json
from simulation.testing.cases import Given
from simulation.testing.literals import Literals
from simulation.testing.offsets import read_clock
from workflows.interpreter.steps.blocks import chosen_variant

DEFAULT_CLOCK = "2026-11-23 09:00"
"""A Monday."""
_DEFAULT_ACCOUNT: Map[str, Value] = {"id": "acme", "name": "ACME", "status": "active", "tags": []}
_TRIES_FOR_VARIANTS = 2_000
_FORM_TYPES = {"text": TEXT, "integer": NUMBER, "number": NUMBER, "money": MONEY, "bool": BOOL, "date": DATE, "duration": DURATION}


@dataclass(frozen=True)
class Situation:
    """A play about to start. `literals` reads further values with the same clock."""

    start: datetime
    input: RunInput
    literals: Literals


def form_type(field: FormField) -> Type:
    """Give the type of an input's or an answer's value."""
    kind = field.type
    if kind == "one_of":
        return one_of(*field.options)
    if kind == "list":
        return list_of(_FORM_TYPES.get(field.item or "", ANY))
    return _FORM_TYPES.get(kind, ANY)


def situation(given: Given, plan: Plan, catalog: Catalog, report: Report) -> Situation:
    """Give the start of a play; what does not fit the catalog is reported."""
    clock = _bare_calendar(given, plan)
    start = _start(given, clock, report)
    literals = Literals(report, start, clock)
    facts = _facts(given, catalog, literals)
    calendar = _calendar(given, plan, facts, clock, literals)
    account = facts["account"]
    event = literals.record(given.event, ANY, '"event"') if given.event else None
    run_input = RunInput(
        run=RunRef(
            tenant="test",
            run_id="test",
            chain=_chain(given, plan, report),
            playbook=plan.playbook,
            version=1,
            account=str(account["id"]) if isinstance(account, dict) else "acme",
        ),
        plan=plan,
        inputs=_inputs(given, plan, event, literals),
        trigger=TriggerInfo(kind="event" if event is not None else "manual", event=_json(event) if event is not None else None),
        loaded=LoadedFacts(
            facts=_json(facts),
            calendar=cast(dict[str, JsonTree], calendar.to_json()),
            plays=tuple(play.text for play in given.plays),
            open_tasks=int(given.open_tasks.text) if given.open_tasks else 0,
        ),
    )
    return Situation(start, run_input, Literals(report, start, calendar))


def _json(values: Map[str, Value]) -> dict[str, JsonTree]:
    return {name: to_json(value) for name, value in values.items()}


def _bare_calendar(given: Given, plan: Plan) -> BusinessCalendar:
    """Give a calendar with the right zone: the clock must be read before the facts, whose dates count from it."""
    zone = given.account.get("zone") if given.account else None
    places = {"account": zone.text if isinstance(zone, Scalar) else None}
    return BusinessCalendar(zone=choose_zone([places.get(name, name) for name in plan.time.zone] + [places["account"]]))


def _start(given: Given, clock: BusinessCalendar, report: Report) -> datetime:
    if given.clock is not None:
        try:
            return read_clock(given.clock.text, clock)
        except TimingError as error:
            report.error("PB501", given.clock.span, str(error))
    return read_clock(DEFAULT_CLOCK, clock)


def _facts(given: Given, catalog: Catalog, literals: Literals) -> dict[str, Value]:
    types = fact_types(tuple(catalog.facts))
    entries = given.facts.entries if given.facts else []
    facts = literals.record(Mapping(entries[0].key.span, list(entries)), record(dict(types), open=not types), '"facts"') if entries else {}
    account_type = types.get("account", ANY)
    account = literals.record(given.account, account_type, '"account"') if given.account else {}
    return _over(_over(_nothing_known(types), {"account": dict(_DEFAULT_ACCOUNT)}), _over(facts, {"account": account}))


def _nothing_known(types: Map[str, Type]) -> dict[str, Value]:
    """Give every fact as missing, as an account has them of which nothing is known; a missing list is an empty one."""
    return {
        name: _nothing_known(kind.fields) if kind.kind == "record" else [] if kind.kind == "list" else None for name, kind in types.items()
    }


def _over(below: dict[str, Value], above: Map[str, Value]) -> dict[str, Value]:
    """Lay records over records, field by field."""
    found = dict(below)
    for name, value in above.items():
        old = found.get(name)
        found[name] = _over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return found


def _calendar(given: Given, plan: Plan, facts: Map[str, Value], clock: BusinessCalendar, literals: Literals) -> BusinessCalendar:
    """Give the play's calendar, as the product would: the country that `time.calendar` names, closed days, working hours."""
    country = None
    if plan.time.calendar is not None:
        try:
            found = evaluator(plan.time.calendar)(dict(facts))
        except EvaluationError:
            found = plan.time.calendar
        country = found if isinstance(found, str) else None
    closed = [day for day in (literals.read(word, DATE, '"closed"') for word in given.closed) if isinstance(day, date)]
    closed += [date.fromisoformat(day) for day in plan.time.closed]
    opens, _, closes = plan.time.hours.partition("-")
    today = literals.start.astimezone(clock.tz).date()
    try:
        return calendar_for(country, clock.zone, today, closed, (opens.strip(), closes.strip()))
    except TimingError as error:
        at = given.account.span if given.account else literals.report.source.span(0, 1)
        literals.report.error("PB501", at, str(error))
        return clock


def _inputs(given: Given, plan: Plan, event: Map[str, Value] | None, literals: Literals) -> dict[str, JsonTree]:
    types = {field.name: form_type(field) for field in plan.inputs}
    said = literals.record(given.inputs, record(types), '"inputs"') if given.inputs else {}
    found = _json(said)
    for field in plan.inputs:
        if field.name in found:
            continue
        mapped = evaluator(field.from_)({"event": dict(event)}) if field.from_ and event is not None else None
        if mapped is not None:
            found[field.name] = to_json(mapped)
        elif field.default is not None:
            found[field.name] = to_json(evaluate_node(field.default, {}))
        elif field.required:
            at = given.inputs.span if given.inputs else literals.report.source.span(0, 1)
            literals.report.error(
                "PB109", at, f'the playbook needs the input "{field.name}"', hint=f"add inputs: {{{field.name}: …}} to given"
            )
    return found


def _chain(given: Given, plan: Plan, report: Report) -> str:
    """Give the name of a play in which every `split` takes the wanted variant; it is the hash of that name that decides."""
    wanted: dict[str, str] = {}
    splits = {step.id: step for step in walk(plan.steps) if isinstance(step, SplitStep)}
    for entry in given.variants.entries if given.variants else ():
        step = splits.get(entry.key.text)
        variant = entry.value.text if isinstance(entry.value, Scalar) else ""
        if step is None:
            report.error("PB201", entry.key.span, f'no split has the id "{entry.key.text}"', suggest=(entry.key.text, tuple(splits)))
        elif variant not in [known.name for known in step.variants]:
            names = [known.name for known in step.variants]
            report.error("PB115", entry.value.span, f'the split "{step.id}" has no variant "{variant}"', suggest=(variant, names))
        else:
            wanted[step.id] = variant
    for number in range(_TRIES_FOR_VARIANTS):
        chain = f"test-{number}"
        if all(chosen_variant(splits[step_id], chain, step_id).name == variant for step_id, variant in wanted.items()):
            return chain
    return "test"
