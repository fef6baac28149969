"""Definitions that more than one place of a playbook uses."""

from playbook_dsl.catalog import Catalog
from playbook_dsl.schema.parts import (
    ID,
    IN_BRACES,
    Schema,
    choice,
    closed,
    either,
    flag,
    named,
    number,
    one_or_many,
    ref,
    suggested,
    text,
    whole,
)

SIMPLE_TYPES = ("text", "integer", "number", "money", "bool", "date", "duration", "person", "contact", "account")
_OWNERS = ("csm", "csm.manager", "owner")
_RECIPIENTS = ("champion", "primary_contact", "all(champion)")


def definitions(catalog: Catalog) -> dict[str, Schema]:
    """Give the definitions by name."""
    return {
        "expression": _expression(),
        "condition": _condition(),
        "duration": _duration(),
        "share": {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*%\s*$", "description": "A share, such as 15%."},
        "owners": one_or_many(
            suggested(_owners(catalog), text()), "Who: csm, role:<name>, round_robin(team), a person; a list is tried in order."
        ),
        "recipients": one_or_many(
            suggested(_RECIPIENTS, text()), "To whom: champion, primary_contact, all(champion); a list is tried in order."
        ),
        "steps": {"type": "array", "items": ref("step"), "description": "Steps, done one after the other."},
        "retry": _retry(),
        "on_error": _on_error(),
        "undo": _undo(),
        "review": _review(),
        "urgent": _urgent(),
        "field": _field(["from"]),
        "form": named(_field([]), "The fields of the form by name.", least=1),
        "exits": one_or_many(_exit(), "What ends it early; looked at whenever facts change, also in the middle of a wait."),
        "overdue": one_or_many(_overdue(), "What happens when the task is late."),
        "escalate": one_or_many(_escalation(), "Who is asked too when no answer comes."),
        "pausing": choice("shift", "keep_date", description="Whether a pause moves the end (shift, the default) or not."),
    }


def _expression() -> Schema:
    return {
        "type": ["string", "number", "boolean"],
        "minLength": 1,
        "not": {"type": "string", "pattern": IN_BRACES},
        "description": "An expression, without braces.",
    }


def _condition() -> Schema:
    return {
        "type": ["string", "boolean"],
        "minLength": 1,
        "not": {"type": "string", "pattern": IN_BRACES},
        "description": "An expression that is true or false, without braces, such as account.mrr > 500 EUR.",
    }


def _duration() -> Schema:
    return {
        "type": "string",
        "minLength": 1,
        "not": {"pattern": rf"{IN_BRACES}|^\s*\d+(\.\d+)?\s*$"},
        "description": "A duration in words: 3 days, 3 business days, 4 working hours, 10m. A bare number is none.",
        "examples": ["3 days", "3 business days", "4 working hours", "10m"],
    }


def _owners(catalog: Catalog) -> list[str]:
    roles = [f"role:{role}" for role in catalog.people.roles]
    teams = [f"{rule}({team})" for team in catalog.people.teams for rule in ("round_robin", "least_loaded")]
    return [*_OWNERS, *roles, *teams, *catalog.people.people]


def _retry() -> Schema:
    keys = {
        "attempts": whole("How often it is tried, the first time included; 0 is without end.", least=0, most=1000),
        "first": text("The pause before the second attempt, such as 2s."),
        "factor": number("How much longer each pause is than the last.", least=1, most=100),
        "at_most": text("The longest pause, such as 5m."),
        "not_on": one_or_many(text(), "Error codes after which it is not tried again."),
    }
    return closed(keys, "How failed attempts are repeated. A vendor's own Retry-After wins.")


def _on_error() -> Schema:
    words = choice("undo", "continue", "hold", "stop")
    caught = closed({"catch": ref("steps"), "undo": flag("Undo the failed block first.")}, required=["catch"])
    held = closed({"hold_for": ref("duration"), "then": choice("undo", "stop", "continue")}, required=["hold_for"])
    return either(words, caught, held, description="What a failure leads to: undo (default), continue, hold, stop, or {catch: [steps]}.")


def _undo() -> Schema:
    keys = {
        "none": flag("The effect stays; say why."),
        "because": text("Why the effect stays."),
        "at_end": flag("The effect is lent and given back when the play ends."),
    }
    taken_back = closed(keys)
    taken_back["patternProperties"] = {
        r"^[^.]+\.[^.].*$": {"type": ["object", "null"], "description": "Another action that takes it back."}
    }
    return either(choice("at_end"), taken_back, description="How the effect is taken back; without it, as the action says.")


def _review() -> Schema:
    keys = {
        "by": ref("owners"),
        "may_edit": one_or_many(text(), "What the person may change, such as subject, body."),
        "up_to": ref("duration"),
        "on_timeout": choice("send", "skip"),
    }
    return closed(keys, "A person looks at the message before it leaves.", required=["by"])


def _urgent() -> Schema:
    reason = closed({"because": text("Why quiet hours do not hold.")}, required=["because"])
    return either(reason, text(), description="Ignores quiet hours, not opt-outs; needs a reason.")


def _field(more: list[str]) -> Schema:
    keys: dict[str, Schema] = {
        "type": _type_name(),
        "one_of": one_or_many(text(), "The legal texts."),
        "default": {"description": "The value unless another is given."},
        "required": flag(),
        "min": number("The smallest value."),
        "max": number("The greatest value."),
        "help": text("A sentence for the person who fills it in."),
    }
    if "from" in more:
        keys["from"] = ref("expression", "Where the value comes from, such as event.invoice_id.")
    return either(_type_name(), {**closed(keys), "anyOf": [{"required": ["type"]}, {"required": ["one_of"]}]})


def _type_name() -> Schema:
    pattern = f"^list of ({'|'.join(SIMPLE_TYPES)})$"
    return either(choice(*SIMPLE_TYPES, "one_of"), {"type": "string", "pattern": pattern}, description="The type of the value.")


def _exit() -> Schema:
    then = either(
        choice("undo", "keep"),
        closed({"undo": one_or_many(text(pattern=ID), "The steps whose effects are taken back.")}, required=["undo"]),
        ref("steps"),
        description="What follows: undo, keep (default), {undo: [step ids]} or steps.",
    )
    keys = {
        "if": ref("condition"),
        "event": text("The event that ends it."),
        "as": text("The name of this exit in the outcome."),
        "then": then,
    }
    return {**closed(keys), "anyOf": [{"required": ["if"]}, {"required": ["event"]}]}


def _overdue() -> Schema:
    keys = {"after": ref("duration"), "tell": ref("owners"), "reassign": ref("owners")}
    return {**closed(keys, required=["after"]), "anyOf": [{"required": ["tell"]}, {"required": ["reassign"]}]}


def _escalation() -> Schema:
    return closed({"after": ref("duration"), "to": ref("owners")}, required=["after", "to"])
