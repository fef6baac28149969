"""What may stand on a step beside its verb: retry, on_error, undo, review, urgent."""

from typing import TYPE_CHECKING

from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.parse.keys import Keys, Reader, short
from playbook_dsl.syntax import OnErrorSpec, OverdueSpec, RetrySpec, ReviewSpec, UndoSpec
from playbook_dsl.words import Word

if TYPE_CHECKING:
    from playbook_dsl.parse.parser import Parser

ON_ERROR = ("undo", "continue", "hold", "stop")


def retry(reader: Reader, node: Node, what: str) -> RetrySpec | None:
    """Read `retry`."""
    mapping = reader.mapping(node, what, "write {attempts: 5, first: 2s, factor: 2, at_most: 5m}")
    if mapping is None:
        return None
    keys = Keys(reader, mapping, '"retry"', ("attempts", "first", "factor", "at_most", "not_on"))
    return RetrySpec(
        attempts=keys.whole("attempts", 0, 1000),
        first=keys.word("first"),
        factor=keys.number("factor", 1, 100),
        at_most=keys.word("at_most"),
        not_on=keys.words("not_on"),
    )


def on_error(parser: "Parser", node: Node, what: str) -> OnErrorSpec | None:
    """Read `on_error`: a word, `{catch: […]}` or `{hold_for: …, then: …}`."""
    if isinstance(node, Scalar):
        word = parser.choice(parser.word(node, what), what, ON_ERROR)
        return OnErrorSpec(word.text, word.span) if word else None
    mapping = parser.mapping(node, what, "write a word (undo, continue, hold, stop) or {catch: [steps]}")
    if mapping is None:
        return None
    keys = Keys(parser, mapping, '"on_error"', ("catch", "undo", "hold_for", "then"))
    if keys.has("catch"):
        return OnErrorSpec("catch", keys.span, parser.steps_at(keys, "catch"), undo=keys.flag("undo"))
    if not keys.has("hold_for"):
        parser.report.error(
            "PB109", keys.span, '"on_error" needs the key "catch" or "hold_for"', hint="write {catch: [steps]}, or just hold"
        )
    then = keys.choice("then", "undo", "stop", "continue")
    return OnErrorSpec("hold", keys.span, hold_for=keys.duration("hold_for"), then=then)


def undo(reader: Reader, node: Node, what: str) -> UndoSpec | None:
    """Read `undo`: `at_end`, `{none: true, because: …}`, or another action; `at_end: true` may stand beside an action."""
    if isinstance(node, Scalar):
        word = reader.choice(reader.word(node, what), what, ("at_end",))
        return UndoSpec(word.span, at_end=True) if word else None
    mapping = reader.mapping(node, what, "write at_end, {none: true, because: …} or another action")
    if mapping is None:
        return None
    actions = [entry for entry in mapping.entries if "." in entry.key.text]
    legal = ("none", "because", "at_end", *(entry.key.text for entry in actions))
    keys = Keys(reader, mapping, '"undo"', legal)
    spec = UndoSpec(keys.span, none=keys.flag("none"), because=keys.word("because"), at_end=keys.flag("at_end"))
    if actions:
        spec.action = actions[0].key
        spec.inputs = _inputs(reader, actions[0].value, actions[0].key)
    _one_way(reader, spec, len(actions))
    return spec


def _inputs(reader: Reader, node: Node, verb: Word) -> Mapping:
    if isinstance(node, Scalar) and node.is_null:
        return Mapping(verb.span)
    return reader.mapping(node, f'"{short(verb.text)}"') or Mapping(verb.span)


def _one_way(reader: Reader, spec: UndoSpec, actions: int) -> None:
    if spec.none and not spec.because:
        reader.report.error(
            "PB403", spec.span, 'a step without undo needs a reason: "because" is missing', hint="write {none: true, because: …}"
        )
    if actions + spec.none > 1:
        reader.report.error("PB110", spec.span, '"undo" says one thing only: nothing, or one action', hint="keep one of them")
    if not actions and not spec.none and not spec.at_end:
        reader.report.error("PB110", spec.span, '"undo" does not say how', hint="write at_end, {none: true, because: …} or another action")


def review(reader: Reader, node: Node, what: str) -> ReviewSpec | None:
    """Read `review`."""
    mapping = reader.mapping(node, what, "write {by: csm, up_to: 1 business day, on_timeout: skip}")
    if mapping is None:
        return None
    keys = Keys(reader, mapping, '"review"', ("by", "may_edit", "up_to", "on_timeout"), required=("by",))
    by = keys.owners("by")
    if by is None:
        return None
    return ReviewSpec(by, keys.words("may_edit"), keys.duration("up_to"), keys.choice("on_timeout", "send", "skip"))


def urgent(reader: Reader, node: Node, what: str) -> Word | None:
    """Read `urgent`, which is the reason why quiet hours do not hold."""
    hint = "write the reason: urgent: {because: the customer is waiting on the phone}"
    if isinstance(node, Mapping):
        keys = Keys(reader, node, '"urgent"', ("because",), required=("because",))
        return keys.word("because")
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        if node.value:
            reader.report.error("PB504", node.span, "an urgent step ignores quiet hours, so it needs a reason", hint=hint)
        return None
    return reader.word(node, what)


def overdue(reader: Reader, node: Node, what: str) -> tuple[OverdueSpec, ...]:
    """Read `overdue` of a task."""
    found = []
    for item in reader.items(node, what):
        mapping = reader.mapping(item, what, "write - {after: 1 day, tell: csm.manager}")
        if mapping is None:
            continue
        keys = Keys(reader, mapping, '"overdue"', ("after", "tell", "reassign"), required=("after",))
        if not keys.has("tell") and not keys.has("reassign"):
            reader.report.error("PB109", keys.span, '"overdue" needs the key "tell" or "reassign"')
        found.append(OverdueSpec(keys.duration("after"), keys.owners("tell"), keys.owners("reassign"), keys.span))
    return tuple(found)
