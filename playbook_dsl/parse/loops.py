"""The verbs that repeat steps."""

import re

from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.parse.keys import Keys, short
from playbook_dsl.parse.parser import Parser
from playbook_dsl.syntax import ForEachBody, RepeatBody, StopRepeatBody
from playbook_dsl.types import ANY, BOOL, list_of
from playbook_dsl.words import Expression, Word

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EVERY_DAYS = re.compile(r"(?P<days>[a-z]+(?:(?:\s*,\s*|\s+and\s+|\s*,\s+and\s+)[a-z]+)*)\s+at\s+(?P<at>\S+)", re.IGNORECASE)


_DAYS = re.compile(rf"\b({'|'.join(WEEKDAYS)})s?\b")
_WORD = re.compile(r"\b(and|every|on|each)\b|[\s,]+")


def for_each(parser: Parser, node: Node, verb: Word) -> ForEachBody:
    """Read `for_each`."""
    mapping = parser.mapping(node, '"for_each"', "write {in: account.contacts, as: contact, steps: [...]}")
    if mapping is None:
        return ForEachBody()
    legal = ("in", "as", "where", "limit", "at_once", "steps", "count", "until", "enough")
    keys = Keys(parser, mapping, '"for_each"', legal, required=("in", "as", "steps"), at=verb.span)
    return ForEachBody(
        items=keys.expression("in", list_of(ANY)),
        as_=keys.word("as"),
        where=keys.condition("where"),
        limit=keys.whole("limit", 1, 100_000),
        at_once=keys.whole("at_once", 1, 200),
        steps=parser.steps_at(keys, "steps"),
        counts=_counts(parser, keys),
        until=keys.condition("until"),
        enough=keys.whole("enough", 1),
    )


def _counts(parser: Parser, keys: Keys) -> tuple[tuple[Word, Expression], ...]:
    mapping = keys.mapping_at("count")
    found = []
    for entry in mapping.entries if mapping else ():
        expression = parser.expression(entry.value, f'the count "{short(entry.key.text)}"', BOOL)
        if expression is not None:
            found.append((entry.key, expression))
    return tuple(found)


def repeat(parser: Parser, node: Node, verb: Word) -> RepeatBody:
    """Read `repeat`."""
    mapping = parser.mapping(node, '"repeat"', "write {at_most: 5, every: 1 day, until: a condition, steps: [...]}")
    if mapping is None:
        return RepeatBody()
    legal = ("steps", "until", "every", "at_most", "on_exhausted")
    keys = Keys(parser, mapping, '"repeat"', legal, required=("steps", "at_most"), at=verb.span)
    body = RepeatBody(
        steps=parser.steps_at(keys, "steps"),
        until=keys.condition("until"),
        at_most=keys.whole("at_most", 1, 10_000),
        on_exhausted=parser.steps_at(keys, "on_exhausted"),
    )
    _every(parser, keys, body)
    return body


def _every(parser: Parser, keys: Keys, body: RepeatBody) -> None:
    node = keys.node("every")
    if isinstance(node, Mapping):
        own = Keys(parser, node, '"every"', ("weekdays", "at"), required=("weekdays", "at"))
        body.weekdays, body.at = own.words("weekdays"), own.word("at")
    elif isinstance(node, Scalar) and (found := _EVERY_DAYS.fullmatch(node.text.strip())):
        names = re.split(r"\s*,\s*and\s+|\s*,\s*|\s+and\s+", found["days"].lower())
        body.weekdays = tuple(Scalar(node.span, name, "'") for name in names)
        body.at = Scalar(node.span, found["at"], "'")
    elif isinstance(node, Scalar) and (days := _DAYS.findall(node.text.lower())) and not _WORD.sub("", _DAYS.sub("", node.text.lower())):
        parser.wrong_shape(node, keys.label("every"), "a duration, or days with their time", f"write {' and '.join(days)} at 09:00")
    else:
        body.every = keys.duration("every")
    for day in body.weekdays:
        parser.choice(Scalar(day.span, day.text.lower().removesuffix("s")), "a weekday", WEEKDAYS)


def stop_repeat(parser: Parser, node: Node, verb: Word) -> StopRepeatBody:
    """Read `stop_repeat`, which takes nothing."""
    nothing = isinstance(node, Mapping) and not node.entries
    if not nothing and not (isinstance(node, Scalar) and (node.is_null or node.value is True)):
        parser.wrong_shape(node, '"stop_repeat"', "nothing", "write stop_repeat: {}")
    return StopRepeatBody()
