"""Everything of a playbook beside its steps."""

from playbook_dsl.catalog import Catalog
from playbook_dsl.schema.parts import (
    ID,
    SLUG,
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
from playbook_dsl.timing.schedule import OVERLAPS
from playbook_dsl.values import Json


def head_keys(catalog: Catalog) -> dict[str, Schema]:
    """Give the schema of every top key except `steps` and `finally`."""
    return {
        "playbook": text("The playbook's name; the file has the same.", pattern=SLUG),
        "title": text("What it is for, in one line."),
        "owner": text("Who answers for the playbook."),
        "labels": one_or_many(text(), "Words to find it by."),
        "inputs": named(ref("field"), "What a start may or must give, read as inputs.<name>."),
        "tables": named({"type": "object"}, "Small look-up tables, read as tables.<name>[key].<column>."),
        "enroll": _enroll(catalog),
        "exit": ref("exits"),
        "goal": _goal(),
        "deadline": _deadline(),
        "time": _time(),
        "defaults": closed(
            {"retry": ref("retry"), "timeout": text("How long one attempt may take, such as 30s."), "on_error": ref("on_error")},
            "What holds for every step that says nothing else.",
        ),
    }


def _goal() -> Schema:
    keys = {
        "name": text("The goal, or the name of the exit that reaches it."),
        "if": ref("condition", "What must hold; without it the name is that of an exit."),
        "within": ref("duration", "How long after the start it counts."),
        "by": ref("expression", "The date until which it counts."),
    }
    return closed(keys, "What the play is to reach; measured also after its end.", required=["name"])


def _deadline() -> Schema:
    keys = {
        "after": ref("duration", "How long after the start."),
        "escalate_to": ref("owners", "Who is told; without it the playbook's owner."),
        "then": choice("tell", "hold", "stop", description="Only tell (default), hold the play, or end it."),
    }
    return closed(keys, "The longest a play may take before somebody is told, it is held, or it ends.", required=["after"])


def _time() -> Schema:
    keys = {
        "zone": one_or_many(suggested(["contact", "account", "team"], text()), "Whose clock counts; the first that is known."),
        "calendar": text("Whose business days and holidays count: account.country, or a country such as DE."),
        "quiet": text("When nothing is sent, such as 18:00-08:00 and weekends."),
        "hours": text("Working hours, such as 09:00-17:00."),
        "closed": one_or_many(text(), "Further days without work, such as 2026-12-24."),
    }
    return closed(keys, "Whose clock and calendar count.")


def _enroll(catalog: Catalog) -> Schema:
    keys = {
        "when": one_or_many(_trigger(catalog), "Any of these starts the play."),
        "audience": ref("condition", "Only accounts for which this holds."),
        "suppress": one_or_many(_suppression(), "Accounts that are kept out."),
        "existing": choice("preview", "include", "only_new", description="What happens to accounts that match when this is published."),
        "again": closed(
            {
                "after": ref("expression", "The pause before an account may enter again."),
                "key": ref("expression", "What makes two enrollments the same one, such as event.invoice_id."),
                "while_active": choice("ignore", "queue", "restart", "alongside"),
            },
            "Whether an account may enter again; without it, once.",
        ),
        "holdout": closed(
            {"share": ref("share"), "stratify": one_or_many(suggested(_paths(catalog), text())), "measure": text("The result to compare.")},
            "Accounts left out on purpose, to see what the play is worth.",
            required=["share"],
        ),
        "limits": closed(
            {"at_once": whole(least=1), "per_day": whole(least=1), "per_owner": text("Such as 3 per week.")}, "How many plays."
        ),
        "budget": closed(
            {
                **{channel: text("Such as 3 per 14 days.") for channel in ("email", "sms", "slack", "call")},
                "per": choice("contact", "account"),
            },
            "How many messages, counted over all plays.",
        ),
        "launch": _launch(),
        "priority": whole("Higher goes first.", least=-100, most=100),
        "start": closed({"roles": one_or_many(text())}, "Who may start it by hand.", required=["roles"]),
    }
    return closed(keys, "Who enters, when, how often and how many at once.")


def _paths(catalog: Catalog) -> list[str]:
    return [fact.path for fact in catalog.facts]


def _suppression() -> Schema:
    return either(ref("condition"), closed({"if": ref("condition"), "then": choice("drop", "delay")}, required=["if"]))


def _launch() -> Schema:
    keys = {
        "approve": closed({"by": ref("owners")}, required=["by"]),
        "waves": one_or_many(ref("share"), "The shares of the list, one wave after the other."),
        "gate": closed({"after": ref("duration"), "halt_if": ref("condition")}, "What must hold before the next wave."),
    }
    return closed(keys, "How a whole list is launched.")


def _trigger(catalog: Catalog) -> Schema:
    score = {key: number(least=0, most=100) for key in ("drops_below", "rises_above", "from")}
    held = {"for": ref("duration", "How long it must hold.")}
    fact = suggested(_paths(catalog), text())
    kinds: dict[str, dict[str, Schema]] = {
        "event": {
            "event": suggested(catalog.events, text(), "The event."),
            "accounts": text("audience, or a list of ids such as event.account_ids."),
            "while": ref("condition", "Accounts that join later enter while this holds."),
        },
        "score": {"score": text("The score, such as health."), **score, "within": ref("duration"), **held},
        "becomes": {"becomes": ref("condition"), **held},
        "change": {"change": fact, "from": {}, "to": {}},
        "segment": {"segment": text("The segment."), "enters": flag(), "leaves": flag()},
        "date": {
            "date": suggested(_dates(catalog), ref("expression"), "The date."),
            "before": ref("expression", "How long before, such as 90 days."),
            "after": ref("expression", "How long after."),
            "same_day": flag(),
            "late": choice("enter", "skip", description="What happens to accounts already inside the window."),
        },
        "unchanged": {"unchanged": fact, **held},
        "schedule": {"schedule": either(text("A cron line."), _schedule())},
    }
    common = {
        "id": text("The trigger's own id.", pattern=ID),
        "if": ref("condition"),
        "settle": ref("duration", "For data that arrives in bursts."),
    }
    keys = {**common, **{key: schema for own in kinds.values() for key, schema in own.items()}}
    keys["from"] = {"description": "Where it comes from: a score, or the value before the change."}
    only: list[Json] = [_only(kind, {*common, *own}) for kind, own in kinds.items()]
    return {**closed(keys), "oneOf": only}


def _schedule() -> Schema:
    calendar = {
        "weekdays": one_or_many(text("Such as monday.")),
        "days": one_or_many(whole("The day of the month.", least=1, most=31)),
        "months": one_or_many(text("Such as january.")),
        "at": text("The time of day, such as 07:00."),
    }
    keys = {
        "cron": text("Minute, hour, day, month, weekday."),
        "every": text("An interval, such as 6 hours."),
        "calendar": closed(calendar, "Days and a time of day.", required=["at"]),
        "timezone": text("The IANA time zone, such as Europe/Berlin; UTC without."),
        "jitter": text("Each turn comes up to this much later, so that not everything begins at once."),
        "overlap": choice(*OVERLAPS, description="What a turn does while one is under way; skip without."),
        "catch_up": text("A turn missed by more than this, because nothing ran, is left out; 1 hour without."),
        "paused": flag("Comes only when somebody resumes it."),
    }
    return {**closed(keys), "oneOf": [{"required": [way]} for way in ("cron", "every", "calendar")]}


def _dates(catalog: Catalog) -> list[str]:
    return [fact.path for fact in catalog.facts if fact.type.kind in ("date", "datetime")]


_NEEDED: dict[str, tuple[str, ...]] = {"score": ("drops_below", "rises_above"), "date": ("before", "after", "same_day")}


def _only(kind: str, legal: set[str]) -> Schema:
    """Require the kind's own key and allow no key of another kind."""
    schema: Schema = {"required": [kind, "for"] if kind == "unchanged" else [kind], "propertyNames": {"enum": list[Json](sorted(legal))}}
    if kind in _NEEDED:
        schema["oneOf"] = [{"required": [key]} for key in _NEEDED[kind]]
    if kind == "score":
        schema["properties"] = {"from": number(least=0, most=100)}
    return schema
