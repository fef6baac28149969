"""What the expressions of `enroll` are evaluated against, made of rows that were read before."""

from collections.abc import Mapping
from datetime import datetime

from enrollment.rules import Rules, Scope
from playbook_dsl.values import Json, from_json
from storage.calendars import calendar_of
from storage.facts import AccountRows, facts_from


def scope_of(
    rows: AccountRows,
    rules: Rules,
    now: datetime,
    *,
    trigger: Mapping[str, Json] | None = None,
    inputs: Mapping[str, Json] | None = None,
) -> Scope:
    """Give an account's facts with what came with its entry.

    Args:
        rows: the account as it was read.
        rules: whose tables may be looked up in.
        now: aware.
        trigger: `kind`, `id` and, of an event, `event` (its fields).
        inputs: of the play that would begin, in JSON form.
    """
    calendar = calendar_of(rows.account, rows.tenant)
    given = trigger or {}
    scope: dict[str, object] = {
        **facts_from(rows.account, rows.contacts, rows.people, rows.tenant),
        "inputs": from_json(dict(inputs or {})),
        "tables": rules.tables,
        "trigger": {"kind": given.get("kind"), "id": given.get("id")},
        "event": from_json(given.get("event")),
        "now": now,
        "today": now.astimezone(calendar.tz).date(),
        "$zone": calendar.zone,
        "$calendar": calendar,
        "$in_play": rows.plays.__contains__,
        "$open_tasks": lambda: rows.open_tasks,
    }
    return scope
