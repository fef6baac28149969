"""Everything a play knows of its account, in the shape of `activities.contracts.LoadedFacts`."""

from playbook_dsl.values import Json, to_json
from storage.calendars import calendar_of
from storage.facts import AccountRows, facts_from, read_account
from storage.session import Session


async def load_for_play(session: Session, account_id: str) -> dict[str, Json] | None:
    """Give facts (JSON form, by root name), calendar, slugs of active plays and number of open tasks; None without such an account."""
    rows = await read_account(session, account_id)
    return None if rows is None else loaded_from(rows)


def loaded_from(rows: AccountRows) -> dict[str, Json]:
    """Give the same from rows that were read before."""
    facts = facts_from(rows.account, rows.contacts, rows.people, rows.tenant)
    return {
        "facts": {root: to_json(value) for root, value in facts.items()},
        "calendar": calendar_of(rows.account, rows.tenant).to_json(),
        "plays": list(rows.plays),
        "open_tasks": rows.open_tasks,
    }
