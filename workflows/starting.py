"""How a play is started: what the Temporal UI shows of it, and how urgent it is against others."""

from typing import Final

from temporalio.common import Priority, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from activities.contracts import JsonTree, RunInput, RunRecord

# A person's click goes above an event, an event above a sweep.
_CLICK: Final = 1
_PRIORITIES: Final = {"manual": _CLICK, "api": _CLICK, "retry": _CLICK, "play": 2, "event": 2}
_ORDINARY_PRIORITY: Final = 3
_ORDINARY_STATES: Final = frozenset({"running", "waiting"})
_NOTED_OUTCOMES: Final = frozenset({"failed", "cancelled", "undone", "undo_incomplete"})


def static_summary(run_input: RunInput) -> str:
    """Give the line the run list shows: account, risk, playbook and version."""
    run = run_input.run
    parts = [_fact(run_input, "account", "name") or run.account]
    risk = _fact(run_input, "risk", "score")
    if risk is not None:
        parts.append(f"risk {risk}")
    return " · ".join([*map(str, parts), f"{run.playbook} v{run.version}"])


def search_attributes(run_input: RunInput) -> TypedSearchAttributes:
    """Give the attributes a run is found by. They are not encrypted: ids and slugs only, no names."""
    run = run_input.run
    values = {
        "Tenant": run.tenant,
        "Playbook": run.playbook,
        "PlaybookVersion": str(run.version),
        "Account": run.account,
        "Launch": run.launch,
        "RunState": "running",
        "Trigger": run_input.trigger.kind,
        "Owner": run_input.owner,
    }
    return TypedSearchAttributes(
        [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in values.items() if value]
    )


def priority(run_input: RunInput) -> Priority:
    """Give the priority of a play's tasks, fair between tenants.

    A playbook's own priority moves its plays by one place; nothing goes above a person's click.
    """
    key = _PRIORITIES.get(run_input.trigger.kind, _ORDINARY_PRIORITY)
    own = run_input.plan.enroll.priority if run_input.plan.enroll else 0
    if key > _CLICK and own:
        key = max(_CLICK + 1, key + (1 if own < 0 else -1))
    return Priority(priority_key=key, fairness_key=run_input.run.tenant)


def run_state(record: RunRecord) -> str:
    """Give what `RunState` says: `running` as long as nothing is out of the ordinary, and after an ordinary end."""
    if record.outcome in _NOTED_OUTCOMES:
        return str(record.outcome)
    return "running" if record.state in _ORDINARY_STATES or record.state == "closed" else record.state


def _fact(run_input: RunInput, root: str, name: str) -> JsonTree:
    facts = run_input.loaded.facts.get(root)
    return facts.get(name) if isinstance(facts, dict) else None
