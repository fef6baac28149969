"""Exits, of the play and of a stage."""

from playbook_dsl.nodes import Mapping, Node, Sequence
from playbook_dsl.parse.keys import Keys, short
from playbook_dsl.parse.parser import Parser
from playbook_dsl.syntax import ExitSpec


def exits(parser: Parser, node: Node, what: str) -> tuple[ExitSpec, ...]:
    """Read a list of exits; a single one may stand without a dash."""
    found = []
    for item in parser.items(node, what):
        mapping = parser.mapping(item, "an exit", "write - if: a condition")
        if mapping is not None:
            found.append(_exit(parser, mapping))
    return tuple(found)


def _exit(parser: Parser, mapping: Mapping) -> ExitSpec:
    keys = Keys(parser, mapping, "an exit", ("if", "event", "as", "then"))
    if not keys.has("if") and not keys.has("event"):
        parser.report.error("PB109", keys.span, 'an exit needs the key "if" or "event"')
    spec = ExitSpec(keys.span, keys.word("as"), keys.condition(), keys.word("event"))
    then = keys.node("then")
    if isinstance(then, Sequence):
        spec.then, spec.steps = "steps", parser.steps(then, '"then" of an exit')
    elif isinstance(then, Mapping):
        own = Keys(parser, then, '"then" of an exit', ("undo",), required=("undo",))
        spec.then, spec.undo = "undo_steps", own.words("undo")
    elif then is not None:
        word = keys.word("then")
        if word and word.text not in ("undo", "keep"):
            hint = "legal: keep, undo, {undo: [step ids]}, or a list of steps"
            parser.report.error(
                "PB115", word.span, f'"then" of an exit cannot be "{short(word.text)}"', hint=hint, suggest=(word.text, ("keep", "undo"))
            )
        spec.then = "undo" if word and word.text == "undo" else "keep"
    return spec
