"""A whole playbook in plain words, for the people who answer for it."""

import re
from collections.abc import Iterable, Iterator

from playbook_dsl.catalog import Catalog
from playbook_dsl.explain.blocks import blocks
from playbook_dsl.explain.coverage import coverage_words, undo_of, undo_of_steps
from playbook_dsl.explain.enrollment import enrollment_lines
from playbook_dsl.explain.sentences import sentence
from playbook_dsl.explain.words import (
    cause_words,
    condition_words,
    counted,
    duration_words,
    list_words,
    name_words,
    node_words,
    owner_words,
    quoted,
    seconds_words,
)
from playbook_dsl.plan import ActionStep, Exit, FormField, Plan, Retry, Step, walk

UNNAMED_EXIT = re.compile(r"exit_\d+")  # the name the compiler gives an exit without one


def explain(plan: Plan, catalog: Catalog) -> str:
    """Give the play in plain words: who enters, what ends it, every step in order, who is told what, and what can be undone."""
    parts = [
        ("", _head(plan)),
        ("Inputs", _inputs(plan)),
        ("Who enters", enrollment_lines(plan)),
        ("What ends it", _endings(plan, catalog)),
        ("Time", _time(plan)),
        ("Steps", _numbered(plan.steps, catalog, undone=True)),
        ("At the end, whatever happened", _numbered(plan.finally_, catalog)),
        ("Urgent", _urgent(plan)),
        ("Undo", _undo(plan, catalog)),
    ]
    sections = (_section(title, lines) for title, lines in parts)
    return "\n\n".join(section for section in sections if section) + "\n"


def _section(title: str, lines: Iterable[str]) -> str:
    body = list(lines)
    if not title:
        return "\n".join(body)
    return "\n".join([title, *(f"  {line}" for line in body)]) if body else ""


def _head(plan: Plan) -> Iterator[str]:
    yield f"{plan.title} ({plan.playbook})"
    facts = [f"owner {plan.owner}"] if plan.owner else []
    facts += [f"labels {', '.join(plan.labels)}"] if plan.labels else []
    if facts:
        yield f"{'; '.join(facts).capitalize()}."


def _inputs(plan: Plan) -> Iterator[str]:
    return (input_words(field) for field in plan.inputs)


def input_words(field: FormField) -> str:
    """Give one input or form field as a line."""
    kind = f"list of {field.item}" if field.type == "list" and field.item else field.type.replace("_", " ")
    kind += f" {list_words(field.options, 'or')}" if field.options else ""
    low, high = (f"{bound:g}" if bound is not None else None for bound in (field.minimum, field.maximum))
    if low is not None or high is not None:
        kind += f" {low} to {high}" if low and high else f" of at least {low}" if low else f" of at most {high}"
    words = f"{field.name.replace('_', ' ')}: {kind}"
    if field.default is not None:
        words += f", {node_words(field.default)} unless given"
    elif not field.required:
        words += ", may be left out"
    if field.from_:
        words += f", taken from {condition_words(field.from_)}"
    return words + (f" ({field.help})" if field.help else "")


def _endings(plan: Plan, catalog: Catalog) -> Iterator[str]:
    for leave in plan.exits:
        yield f"- {exit_words(leave)}."
        yield from _numbered(leave.steps, catalog, depth=1, undone=True)
    if plan.goal:
        reached = f" ({condition_words(plan.goal.when)})" if plan.goal.when else ""
        limit = f" within {duration_words(plan.goal.within)}" if plan.goal.within else ""
        limit += f" by {name_words(plan.goal.by)}" if plan.goal.by else ""
        yield f"Its goal is {quoted(plan.goal.name)}{reached}{limit}."
    if plan.deadline:
        told = f" {owner_words(plan.deadline.escalate_to)} is told" if plan.deadline.escalate_to else " its owner is told"
        then = {"tell": told, "hold": f"{told} and the play is held", "stop": f"{told} and the play ends"}[plan.deadline.then]
        yield f"After {duration_words(plan.deadline.after)}{then}."


def exit_words(leave: Exit) -> str:
    """Give one exit as half a sentence: its name, what causes it, what follows."""
    follows = {
        "undo": "what the play did is undone",
        "keep": "what the play did stays",
        "undo_steps": f"only {list_words(leave.undo)} {'is' if len(leave.undo) == 1 else 'are'} undone",
        "steps": f"then {counted(len(leave.steps), 'more step')}: {list_words(step.id for step in leave.steps)}",
    }[leave.then]
    name = "" if UNNAMED_EXIT.fullmatch(leave.name) else f"{quoted(leave.name)} "
    return f"{name}when {cause_words(leave.event, leave.when)}: {follows}"


def _time(plan: Plan) -> Iterator[str]:
    zones = [f"the {zone}’s" if zone in ("contact", "account", "team") else zone for zone in plan.time.zone]
    yield f"Clock: {', else '.join(zones) or 'UTC'}{', else UTC' if zones else ''}."
    if plan.time.calendar:
        yield f"Business days: the calendar of {condition_words(plan.time.calendar)}; working hours {plan.time.hours}."
    if plan.time.closed:
        yield f"Also closed: {', '.join(plan.time.closed)}."
    if plan.time.quiet:
        yield f"Nothing is sent {plan.time.quiet}; it waits for the next open minute."
    if plan.retry != Retry():
        yield f"A failed attempt {retry_words(plan.retry)}."


def retry_words(retry: Retry) -> str:
    """Give how often and how fast an attempt is repeated."""
    if retry.attempts == 1:
        return "is not repeated"
    often = f"is tried {retry.attempts} times" if retry.attempts else "is tried without end"
    pauses = f"first after {seconds_words(retry.first_s)}, each pause {retry.factor:g} times the last"
    words = f"{often}, {pauses}, at most {seconds_words(retry.at_most_s)}"
    return words + (f"; not after {list_words(retry.not_on, 'or')}" if retry.not_on else "")


def _numbered(
    steps: tuple[Step, ...], catalog: Catalog, *, prefix: str = "", first: int = 1, depth: int = 0, undone: bool = False
) -> Iterator[str]:
    """Give the steps with their numbers; `undone` says whether what they do can be undone at all (in `finally` it stays)."""
    indent = "   " * depth
    for number, step in enumerate(steps, first):
        mark = f"{prefix}{number}"
        yield f"{indent}{mark}. {step.id}: {step_sentence(step, catalog)}"
        yield from (f"{indent}   {note}" for note in _notes(step, catalog, undone))
        inner = 1
        for block in blocks(step):
            if not block.steps:
                continue
            if block.label:
                yield f"{indent}   {block.label[0].upper()}{block.label[1:]}:"
            yield from _numbered(block.steps, catalog, prefix=f"{mark}.", first=inner, depth=depth + 1, undone=undone)
            inner += len(block.steps)


def step_sentence(step: Step, catalog: Catalog) -> str:
    """Give the whole sentence of a step, with its condition and its full stop."""
    words = sentence(step, catalog)
    if step.title and step.title not in words:
        words = f"{step.title} – {words}"
    if step.when:
        words = f"If {condition_words(step.when)}: {words[0].lower()}{words[1:]}"
    return words if words.endswith((".", "?", "!")) else f"{words}."


def _notes(step: Step, catalog: Catalog, undone: bool) -> Iterator[str]:
    if step.note:
        yield f"Note: {step.note}"
    if isinstance(step, ActionStep):
        if step.retry:
            yield f"A failed attempt {retry_words(step.retry)}."
        for overdue in step.overdue:
            told = f"{owner_words(overdue.tell)} is told" if overdue.tell else f"it goes to {owner_words(overdue.reassign)}"
            yield f"{duration_words(overdue.after)} after its due date {told}."
        if step.sends and step.if_nobody == "skip":
            yield "When there is nobody to send it to, it is left out."
    if step.on_error and step.on_error.do in _ON_ERROR:
        held = step.on_error.hold
        after = f" After {duration_words(held.hold_for)}: {held.then}." if held and held.hold_for else ""
        yield f"If it fails, {_ON_ERROR[step.on_error.do]}.{after}"
    undo = undo_of(step, catalog) if undone else None
    if undo:
        yield {"undone": "Undo", "lent": "Given back at the end", "stays": "Not undone"}[undo.how] + f": {undo.words}."


_ON_ERROR = {
    "continue": "the play goes on",
    "hold": "the play is held and a person decides",
    "stop": "the play ends and nothing is undone",
}


def _urgent(plan: Plan) -> Iterator[str]:
    for step in walk(plan.steps + plan.finally_):
        if isinstance(step, ActionStep) and step.urgent:
            yield f"{step.id} is sent in quiet hours too: {step.urgent}."


def _undo(plan: Plan, catalog: Catalog) -> Iterator[str]:
    found = undo_of_steps(plan, catalog)
    yield f"{coverage_words(found)}."
    for one in found:
        if one.how != "undone":
            yield f"- {one.step_id}: {one.words}."
