"""The triggers of published playbooks that come by schedule."""

from collections.abc import Iterator

from playbook_dsl.plan import Plan
from playbook_dsl.timing.schedule import Schedule, WrongSchedule, read_schedule
from storage.enrollment.published import list_published
from storage.session import Session


def schedules_of(plan: Plan) -> Iterator[tuple[str, Schedule]]:
    """Give the schedules of a playbook with the ids of their triggers.

    One that cannot be read any more, such as with a zone that was abolished, is left out.
    """
    for trigger in plan.enroll.triggers if plan.enroll else ():
        if trigger.kind == "schedule":
            try:
                yield trigger.id, read_schedule(trigger.spec.get("schedule"))
            except WrongSchedule:
                continue


async def list_schedules(session: Session) -> list[tuple[str, str, Schedule]]:
    """Give every schedule of every published playbook: slug, trigger, when."""
    return [(one.slug, trigger_id, when) for one in await list_published(session) for trigger_id, when in schedules_of(one.plan)]
