"""Expressions: what the front end found, and names of steps, inputs, values and tables that do not exist at their place."""

import re

from playbook_dsl.diagnostics import Report, listed
from playbook_dsl.expressions.check import Reference
from playbook_dsl.expressions.problems import Problem
from playbook_dsl.parse.keys import short
from playbook_dsl.resolve.forms import is_day_in_words
from playbook_dsl.resolve.missing import why_not_here
from playbook_dsl.resolve.resolution import Resolution, Use
from playbook_dsl.timing.durations import parse_duration
from playbook_dsl.timing.errors import TimingError

# Records whose unknown names are told here, in the author's words, and not as "a record without that field".
_KINDS = {"steps": "step", "inputs": "input", "vars": "value", "tables": "table"}

_EXAMPLES = {
    "money": "an amount with its currency, such as 500 EUR",
    "duration": "a duration, such as 3 business days",
    "date": "a date, such as 2026-11-23",
}
_LEAD_IN = re.compile(r"(in|for|after|about|within) ")
_BETWEEN = re.compile(r"(?<=[a-z])(?:\s*,\s*|\s+and\s+|\s+)(?=[0-9])")


def check_expressions(found: Resolution, report: Report) -> None:
    """PB2xx and PB3xx: what the expression front end says of each expression, at its place in the file."""
    for use in found.uses:
        unknown = [reference for reference in use.checked.references if _is_unknown(use, reference)]
        for reference in unknown:
            _report_name(found, report, use, reference)
        slip = _duration_slip(use) if use.checked.errors and not unknown else None
        if slip is not None:
            report.error("PB501", use.scalar.span, f'{_where(use)}"{short(use.scalar.text)}" is not a duration', hint=slip)
            continue
        for problem in use.checked.problems:
            if not any(problem.offset <= reference.offset < problem.offset + problem.length for reference in unknown):
                _report(found, report, use, problem)


def _duration_slip(use: Use) -> str | None:
    """Give what to write instead of a duration in words that are nearly right, None when it is something else."""
    if use.form != "expression" or use.expects is None or use.expects.kind != "duration":
        return None
    text = " ".join(use.scalar.text.split())
    day = text.removeprefix("until ").removeprefix("on ")
    if is_day_in_words(day) and use.what == '"wait"':
        return f"write wait: {{until: {day}}}"
    plain = _LEAD_IN.sub("", text)
    if not _is_duration(plain):
        return None
    return f"write {_BETWEEN.sub(' + ', plain)}"


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except TimingError:
        return False
    return not text.replace(".", "", 1).lstrip("-").isdigit()


def _is_unknown(use: Use, reference: Reference) -> bool:
    kind = use.env.scope.names.get(reference.path[0])
    return reference.path[0] in _KINDS and len(reference.path) > 1 and kind is not None and reference.path[1] not in kind.fields


def _report(found: Resolution, report: Report, use: Use, problem: Problem) -> None:
    span = found.document.place(use.scalar, problem.offset, problem.length)
    add = report.error if problem.severity == "error" else report.warning
    text = use.scalar.text.strip()
    name = use.scalar.text[problem.offset : problem.offset + problem.length]
    message, hint = problem.message.replace("? must stand here", " must stand here").replace("list of any", "a list"), problem.hint
    if problem.code == "PB217":
        message = f'"{name}" cannot be read here: {message}'
    elif problem.code == "PB305" and message.startswith("duration must stand here, but this is number"):
        hint = f'write of what: "{text} days", "{text} business days" or "{text} hours"'
    elif problem.code == "PB201" and use.bare and name == text:
        hint = f"for the text itself write \"'{text}'\""
    elif use.form == "expression" and use.expects is not None and use.expects.kind in _EXAMPLES and problem.code in ("PB201", "PB211"):
        hint = f"write {_EXAMPLES[use.expects.kind]}"
    add(problem.code, span, f"{_where(use)}{message}", hint=hint)


def _where(use: Use) -> str:
    if use.step is not None and use.what:
        return f'step "{use.step.name}", {use.what}: '
    return f"{use.what}: " if use.what else ""


def _report_name(found: Resolution, report: Report, use: Use, reference: Reference) -> None:
    root, name = reference.path[0], reference.path[1]
    known = use.env.scope.names[root].fields
    offset = reference.offset + len(root) + 1
    span = found.document.place(use.scalar, offset, len(name))
    reader = f'step "{use.step.name}" reads' if use.step else f"{use.what or 'this'} reads"
    path = ".".join(reference.path)
    if root == "steps" and name in found.by_id:
        report.error("PB217", span, f'{reader} "{path}", but {why_not_here(found.by_id[name], use.step, found)}')
        return
    word = "id" if root == "steps" else "name"
    near = report.nearest(name, known)
    hint = f'did you mean "{near}"?' if near else f"known here: {listed(known)}" if known else "there is none to read here"
    report.error("PB201", span, f'{reader} "{path}", but no {_KINDS[root]} has the {word} "{name}"', hint=hint)
