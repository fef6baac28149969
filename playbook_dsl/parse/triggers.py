"""The ways in: one line of `when` each."""

from collections.abc import Callable

from playbook_dsl.diagnostics import listed
from playbook_dsl.enroll_syntax import TriggerSpec
from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.parse.keys import Keys, Reader
from playbook_dsl.timing.schedule import CALENDAR_KEYS, OVERLAPS
from playbook_dsl.timing.schedule import KEYS as SCHEDULE_KEYS
from playbook_dsl.types import BOOL, DATE, DATETIME, DURATION
from playbook_dsl.words import Expression, Value

KINDS: dict[str, tuple[str, ...]] = {
    "event": ("accounts", "while"),
    "score": ("drops_below", "rises_above", "from", "within", "for"),
    "becomes": ("for",),
    "change": ("from", "to"),
    "segment": ("enters", "leaves"),
    "date": ("before", "after", "same_day", "late"),
    "unchanged": ("for",),
    "schedule": (),
}
_COMMON = ("id", "if", "settle")
_EXAMPLE = "write - event: invoice.payment_failed, or - score: health with drops_below: 50"

Read = Node | Expression | Value | None


def triggers(reader: Reader, node: Node, what: str) -> tuple[TriggerSpec, ...]:
    """Read the list of triggers."""
    found = []
    for item in reader.items(node, what):
        mapping = reader.mapping(item, "a trigger", _EXAMPLE)
        if mapping is not None and (trigger := _trigger(reader, mapping)) is not None:
            found.append(trigger)
    return tuple(found)


def _trigger(reader: Reader, mapping: Mapping) -> TriggerSpec | None:
    kinds = [entry for entry in mapping.entries if entry.key.text in KINDS]
    if not kinds:
        unknown = [entry for entry in mapping.entries if entry.key.text not in _COMMON]
        if unknown:
            reader.no_such_key(unknown[0], KINDS, "a trigger")
        else:
            reader.report.error("PB109", mapping.span, "this trigger does not say what starts the play", hint=f"add one of {listed(KINDS)}")
        return None
    if len(kinds) > 1:
        message = f'a trigger has one kind; this one has "{kinds[0].key.text}" and "{kinds[1].key.text}"'
        reader.report.error("PB112", kinds[1].key.span, message, hint="make a trigger of each; any of them starts the play")
    kind = kinds[0].key.text
    keys = Keys(reader, mapping, f'the trigger "{kind}"', (*_COMMON, *KINDS[kind], *(entry.key.text for entry in kinds)))
    spec = TriggerSpec(kinds[0].key.span, kind, kinds[0].value, keys.word("id"), keys.condition(), keys.duration("settle"))
    for key, read in _READERS[kind].items():
        value = read(keys, key)
        if value is not None:
            spec.keys[key] = value
    _check_shape(reader, keys, spec)
    return spec


def _check_shape(reader: Reader, keys: Keys, spec: TriggerSpec) -> None:
    one_of: dict[str, tuple[str, ...]] = {
        "score": ("drops_below", "rises_above"),
        "date": ("before", "after", "same_day"),
        "segment": ("enters", "leaves"),
    }
    wanted = one_of.get(spec.kind, ())
    given = [key for key in wanted if keys.has(key)]
    if wanted and len(given) != 1:
        problem = "has more than one of" if given else "needs one of"
        reader.report.error("PB109" if not given else "PB110", spec.span, f'the trigger "{spec.kind}" {problem} {listed(wanted)}')
    if spec.kind == "unchanged" and not keys.has("for"):
        reader.report.error("PB109", spec.span, 'the trigger "unchanged" needs the key "for"', hint="write for: 30 days")


def _word(keys: Keys, key: str) -> Read:
    return keys.word(key)


def _condition(keys: Keys, key: str) -> Read:
    return keys.expression(key, BOOL)


def _duration(keys: Keys, key: str) -> Read:
    return keys.expression(key, DURATION)


def _moment(keys: Keys, key: str) -> Read:
    found = keys.moment(key)
    if found is not None:  # an account without the date is simply never started by it
        found.expects, found.also = DATE.maybe(), (DATETIME.maybe(),)
    return found


def _value(keys: Keys, key: str) -> Read:
    return keys.value(key)


def _score(keys: Keys, key: str) -> Read:
    return keys.number(key, 0, 100)


def _late(keys: Keys, key: str) -> Read:
    return keys.choice(key, "enter", "skip")


def _node(keys: Keys, key: str) -> Read:
    return keys.node(key)


def _accounts(keys: Keys, key: str) -> Read:
    node = keys.node(key)
    return node if isinstance(node, Scalar) and node.text == "audience" else keys.expression(key)


def _schedule(keys: Keys, key: str) -> Read:
    node = keys.node(key)
    if isinstance(node, Scalar) and not node.is_null:
        return node
    mapping = keys.mapping_at(key)
    if mapping is None:
        return None
    own = Keys(keys.reader, mapping, '"schedule"', SCHEDULE_KEYS)
    for name in ("cron", "every", "timezone", "jitter", "catch_up"):
        own.word(name)
    own.choice("overlap", *OVERLAPS)
    own.flag("paused")
    if (calendar := own.mapping_at("calendar")) is not None:
        inner = Keys(keys.reader, calendar, '"calendar"', CALENDAR_KEYS, required=("at",))
        inner.word("at")
        for name in ("weekdays", "days", "months"):
            inner.words(name)
    return mapping


def _same_day(keys: Keys, key: str) -> Read:
    node = keys.node(key)
    if node is not None:
        keys.flag(key)
    return node


_READERS: dict[str, dict[str, Callable[[Keys, str], Read]]] = {
    "event": {"event": _word, "accounts": _accounts, "while": _condition},
    "score": {"score": _word, "drops_below": _score, "rises_above": _score, "from": _score, "within": _duration, "for": _duration},
    "becomes": {"becomes": _condition, "for": _duration},
    "change": {"change": _word, "from": _value, "to": _value},
    "segment": {"segment": _word, "enters": _same_day, "leaves": _same_day},
    "date": {"date": _moment, "before": _duration, "after": _duration, "same_day": _same_day, "late": _late},
    "unchanged": {"unchanged": _word, "for": _duration},
    "schedule": {"schedule": _schedule},
}
