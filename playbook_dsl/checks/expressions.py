"""Expressions: what the front end found, and names of steps, inputs, values and tables that do not exist at their place."""

from playbook_dsl.diagnostics import Report, listed, nearest
from playbook_dsl.expressions.check import Reference
from playbook_dsl.expressions.problems import Problem
from playbook_dsl.resolve.missing import why_not_here
from playbook_dsl.resolve.resolution import Resolution, Use

# Records whose unknown names are told here, in the author's words, and not as "a record without that field".
_KINDS = {"steps": "step", "inputs": "input", "vars": "value", "tables": "table"}


def check_expressions(found: Resolution, report: Report) -> None:
    """PB2xx and PB3xx: what the expression front end says of each expression, at its place in the file."""
    for use in found.uses:
        for problem in use.checked.problems:
            _report(found, report, use, problem)
        for reference in use.checked.references:
            if reference.path[0] in _KINDS and len(reference.path) > 1:
                _check_name(found, report, use, reference)


def _report(found: Resolution, report: Report, use: Use, problem: Problem) -> None:
    span = found.document.place(use.scalar, problem.offset, problem.length)
    add = report.error if problem.severity == "error" else report.warning
    hint = problem.hint
    if problem.code == "PB305" and problem.message.startswith("duration must stand here, but this is number"):
        number = use.scalar.text.strip()
        hint = f'write of what: "{number} days", "{number} business days" or "{number} hours"'
    add(problem.code, span, f"{_where(use)}{problem.message}", hint=hint)


def _where(use: Use) -> str:
    if use.step is not None and use.what:
        return f'step "{use.step.name}", {use.what}: '
    return f"{use.what}: " if use.what else ""


def _check_name(found: Resolution, report: Report, use: Use, reference: Reference) -> None:
    root, name = reference.path[0], reference.path[1]
    known = _known(found, use, root)
    if name in known or root not in use.env.scope.names:
        return
    offset = reference.offset + len(root) + 1
    span = found.document.place(use.scalar, offset, len(name))
    reader = f'step "{use.step.name}" reads' if use.step else f"{use.what or 'this'} reads"
    path = ".".join(reference.path)
    if root == "steps" and name in found.by_id:
        report.error("PB217", span, f'{reader} "{path}", but {why_not_here(found.by_id[name], use.step, found)}')
        return
    word = "id" if root == "steps" else "name"
    near = nearest(name, known)
    hint = f'did you mean "{near}"?' if near else f"known here: {listed(known)}" if known else "there is none to read here"
    report.error("PB201", span, f'{reader} "{path}", but no {_KINDS[root]} has the {word} "{name}"', hint=hint)


def _known(found: Resolution, use: Use, root: str) -> list[str]:
    kind = use.env.scope.names.get(root)
    return list(kind.fields) if kind else []
