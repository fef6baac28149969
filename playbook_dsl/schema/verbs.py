"""The control verbs of a step."""

from playbook_dsl.catalog import Catalog
from playbook_dsl.schema.parts import Schema, choice, closed, either, flag, named, one_or_many, ref, suggested, text, whole

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def control_verbs(catalog: Catalog) -> dict[str, Schema]:
    """Give the schema of every verb without a dot, except `tasks`, which is made of an action's inputs."""
    return {
        "wait": _wait(),
        "wait_until": _wait_until(catalog),
        "ask": _ask(),
        "approve": _approve(),
        "branch": _branch(),
        "parallel": _parallel(),
        "for_each": _for_each(),
        "repeat": _repeat(),
        "stop_repeat": {
            "description": "Leave the repetition early.",
            "type": ["object", "null", "boolean"],
            "maxProperties": 0,
            "enum": [None, {}, True],
        },
        "stage": _stage(),
        "together": _together(),
        "lock": _lock(),
        "split": _split(),
        "play": _play(catalog),
        "set": named({}, "Name values for later expressions, as vars.<name>.", least=1),
        "stop": closed({"as": text("The outcome."), "undo": flag("Undo what the play did.")}, "End the play.", nullable=True),
    }


def _wait() -> Schema:
    keys = {
        "for": ref("duration", "How long: 3 days, 3 business days, 4 working hours, 10m."),
        "until": ref("expression", "A date, or words such as next monday."),
        "at": text("The time of day, such as 09:00."),
        "land_on": choice("business day", description="Go on to the next business day."),
        "fixed": flag("Do not follow the fact when its date moves."),
        "while_paused": ref("pausing"),
    }
    timed: Schema = {**closed(keys), "anyOf": [{"required": [key]} for key in ("for", "until", "at")]}
    return either(ref("duration"), timed, description="Wait: a duration, or for / until / at.")


def _wait_until(catalog: Catalog) -> Schema:
    event = suggested(catalog.events, text(), "The event that arrives.")
    alternative: Schema = closed({"event": event, "if": ref("condition"), "then": ref("steps")})
    alternative["anyOf"] = [{"required": ["event"]}, {"required": ["if"]}]
    keys = {
        "any": named(alternative, "Named alternatives; the first one that comes ends the wait.", least=1),
        "all": named(alternative, "Named alternatives; all of them must come.", least=1),
        "since": text("From when events count: start (default), now, or a step's id."),
        "up_to": ref("duration", "How long it waits at most; without it, for as long as it takes."),
        "on_timeout": ref("steps", "What is done when the time is up."),
        "while_paused": ref("pausing"),
    }
    return {**closed(keys, "Wait for events or conditions."), "oneOf": [{"required": ["any"]}, {"required": ["all"]}]}


def _question() -> dict[str, Schema]:
    return {
        "by": ref("owners", "Who is asked; a list is tried in order, with need all of it is asked."),
        "need": either(whole(least=1), choice("all"), description="How many must answer."),
        "question": text("What is asked."),
        "up_to": ref("duration", "How long it waits for an answer; without it, for as long as it takes."),
        "remind": ref("duration", "After how long the person is reminded."),
        "escalate": ref("escalate"),
        "while_paused": ref("pausing"),
    }


def _ask() -> Schema:
    keys = {**_question(), "form": ref("form"), "on_timeout": ref("steps", "What is done when nobody answers in time.")}
    return closed(keys, "Ask a person to answer a form.", required=["by", "form"])


def _approve() -> Schema:
    on_timeout = either(choice("approve", "reject", "escalate"), ref("steps"), description="What no answer in time counts as.")
    keys = {**_question(), "on_timeout": on_timeout, "on_reject": ref("steps", "What is done after a no.")}
    return closed(keys, "Ask a person for a yes or a no.", required=["by"])


def _branch() -> Schema:
    case = either(
        closed({"if": ref("condition"), "steps": ref("steps")}, required=["if", "steps"]),
        closed({"else": ref("steps")}, required=["else"]),
    )
    keys = {"value": ref("expression"), "cases": named(ref("steps"), "Steps by value."), "else": ref("steps")}
    by_value = closed(keys, required=["value", "cases"])
    return either({"type": "array", "minItems": 1, "items": case}, by_value, description="The first case that holds, or a case by value.")


def _parallel() -> Schema:
    branch = either(ref("steps"), closed({"if": ref("condition"), "steps": ref("steps")}, required=["steps"]))
    join = either(
        choice("all", "any"), closed({"first": whole(least=1)}, required=["first"]), description="all (default), any, or {first: 2}."
    )
    keys = {
        "branches": named(branch, "Named branches, done side by side."),
        "join": join,
        "rest": choice("undo", "keep", "finish", description="What becomes of the branches that did not win."),
    }
    return closed(keys, "Do branches side by side.", required=["branches"])


def _for_each() -> Schema:
    keys = {
        "in": ref("expression", "The list, such as account.contacts."),
        "as": text("The name of one item in the steps."),
        "where": ref("condition", "Only the items for which this holds."),
        "limit": whole("At most so many items.", least=1, most=100_000),
        "at_once": whole("How many items at a time.", least=1, most=200),
        "steps": ref("steps", "What is done for one item."),
        "count": named(ref("condition"), "Conditions on an item's results, counted as counts.<name>."),
        "until": ref("condition", "Stop early when this holds."),
        "enough": whole("Stop after so many items that count; without count, after so many finished ones.", least=1),
    }
    return closed(keys, "The steps once for each item of a list.", required=["in", "as", "steps"])


def _repeat() -> Schema:
    days = closed({"weekdays": one_or_many(text()), "at": text("The time of day.")}, required=["weekdays", "at"])
    keys = {
        "steps": ref("steps", "One turn."),
        "until": ref("condition", "Ends the repetition; looked at after each turn, and sees its results."),
        "every": either(ref("duration"), days, description="A duration, or weekdays with a time; none is at once."),
        "at_most": whole("The greatest number of turns.", least=1, most=10_000),
        "on_exhausted": ref("steps", "What is done when the last turn did not end it."),
    }
    return closed(keys, "Steps again and again.", required=["steps", "at_most"])


def _stage() -> Schema:
    keys = {
        "title": text(),
        "steps": ref("steps"),
        "up_to": ref("duration"),
        "on_timeout": ref("steps"),
        "exit": ref("exits"),
        "while_paused": ref("pausing"),
    }
    return closed(keys, "A named phase, for people, pages and analytics.", required=["steps"])


def _together() -> Schema:
    return either(ref("steps"), closed({"steps": ref("steps")}, required=["steps"]), description="Steps that stand or fall together.")


def _lock() -> Schema:
    keys = {"name": text("The lock, such as account.billing."), "steps": ref("steps"), "up_to": ref("duration")}
    return closed(keys, "Steps that hold a lock of the account across plays.", required=["name", "steps"])


def _split() -> Schema:
    variant = closed({"share": ref("share"), "steps": ref("steps")}, required=["share", "steps"])
    return named(variant, "A random but sticky choice between variants; the shares make 100%.")


def _play(catalog: Catalog) -> Schema:
    slug = suggested(catalog.playbooks, text(), "The playbook to run on the same account.")
    keys = {"playbook": slug, "with": named({}, "Its inputs."), "wait": flag("Wait for its end (default).")}
    return either(slug, closed(keys, required=["playbook"]), description="Run another playbook on the same account.")
