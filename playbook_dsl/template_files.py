"""A message template checked by itself, without a playbook that sends it."""

from playbook_dsl.catalog import Catalog
from playbook_dsl.checks.messages import problems_of
from playbook_dsl.compose import decode
from playbook_dsl.diagnostics import Diagnostic, Report
from playbook_dsl.library import read_template
from playbook_dsl.resolve.scopes import fact_types
from playbook_dsl.templates import MESSAGE_NAMES
from playbook_dsl.types import ANY

_OF_PLAYS = ("at_start", "event", "inputs", "now", "run", "steps", "tables", "today", "trigger", "vars")


def check_template(source: bytes | str, catalog: Catalog, path: str) -> tuple[Diagnostic, ...]:
    """Check a template file: its front matter, its Jinja2, and the facts it names.

    Names that belong to a play (`inputs`, `steps`, …) depend on the playbook that sends it and are checked there, and so is whether a
    value may be missing.
    """
    template, findings = read_template(source, "template", path)
    if template is None:
        return findings
    text, _ = decode(source, path)
    report = Report(text)
    names = {**fact_types(tuple(catalog.facts)), **MESSAGE_NAMES, **dict.fromkeys(_OF_PLAYS, ANY)}
    lines = text.text.splitlines()
    subject = next((number for number, line in enumerate(lines, 1) if line.startswith("subject:")), 1)
    for problem in problems_of(template, names):
        if problem.code != "PB257":
            number = min(problem.line or subject, len(lines))
            start = sum(len(line) for line in text.text.splitlines(keepends=True)[: number - 1])
            report.error(problem.code, text.span(start, start + len(lines[number - 1])), problem.message, hint=problem.hint)
    return tuple(sorted((*findings, *report.sorted()), key=lambda one: (one.span.line, one.span.column)))
