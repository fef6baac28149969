"""Every check of the compiler, in the order they run; the order does not matter to the author, who gets findings by place."""

from collections.abc import Callable

from playbook_dsl.checks import actions, enroll, expressions, flow, forms, literals, messages, names, people, plays, secrets, timing, undo
from playbook_dsl.diagnostics import Report
from playbook_dsl.resolve.resolution import Resolution

Check = Callable[[Resolution, Report], None]

CHECKS: tuple[Check, ...] = (
    names.check_slug,
    names.check_ids,
    names.check_other_names,
    names.check_outcomes,
    names.check_plain_texts,
    expressions.check_expressions,
    literals.check_literals,
    forms.check_forms,
    actions.check_actions,
    messages.check_messages,
    people.check_shapes,
    people.check_owners,
    people.check_recipients,
    plays.check_plays,
    flow.check_steps_exist,
    flow.check_reached,
    flow.check_loops,
    flow.check_choices,
    flow.check_time_outs,
    flow.check_asks,
    flow.check_since,
    flow.check_arrived,
    flow.check_finally,
    undo.check_irreversible,
    undo.check_undo_rules,
    undo.check_exit_undo,
    undo.check_held_blocks,
    timing.check_fixed_durations,
    timing.check_waits,
    timing.check_until_words,
    timing.check_times_of_day,
    timing.check_time_rules,
    timing.check_days_of_people,
    timing.check_goal_and_deadline,
    enroll.check_events,
    enroll.check_triggers,
    enroll.check_limits,
    enroll.check_audience,
    secrets.check_secrets,
    secrets.check_sensitive_inputs,
    secrets.check_sealed_keys,
)


def run_checks(found: Resolution, report: Report) -> None:
    """Run every check; each adds to the report and none raises."""
    for check in CHECKS:
        check(found, report)
