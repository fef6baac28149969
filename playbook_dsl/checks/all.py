"""Every check of the compiler, in the order they run; the order does not matter to the author, who gets findings by place."""

from collections.abc import Callable

from playbook_dsl.checks import actions, expressions, literals, names, plays
from playbook_dsl.diagnostics import Report
from playbook_dsl.resolve.resolution import Resolution

Check = Callable[[Resolution, Report], None]

CHECKS: tuple[Check, ...] = (
    names.check_slug,
    names.check_ids,
    names.check_other_names,
    expressions.check_expressions,
    literals.check_literals,
    actions.check_actions,
    plays.check_plays,
)


def run_checks(found: Resolution, report: Report) -> None:
    """Run every check; each adds to the report and none raises."""
    for check in CHECKS:
        check(found, report)
