"""Everything a play knows of its account, in the shape of `activities.contracts.LoadedFacts`."""

from playbook_dsl.values import Json, to_json
from storage.calendars import calendar_of
from storage.facts import load_facts
from storage.repositories.accounts import find_account
from storage.repositories.runs import list_active_runs_by_account
from storage.repositories.tasks import count_open_tasks
from storage.repositories.tenants import find_tenant
from storage.session import Session


async def load_for_play(session: Session, account_id: str) -> dict[str, Json] | None:
    """Give facts (JSON form, by root name), calendar, slugs of active plays and number of open tasks; None without such an account."""
    tenant = await find_tenant(session)
    facts = await load_facts(session, account_id, tenant)
    if facts is None:
        return None
    account = await find_account(session, account_id)
    runs = await list_active_runs_by_account(session, account_id)
    return {
        "facts": {root: to_json(value) for root, value in facts.items()},
        "calendar": calendar_of(account, tenant).to_json(),
        "plays": list(dict.fromkeys(run.playbook for run in runs)),
        "open_tasks": await count_open_tasks(session, account_id),
    }
