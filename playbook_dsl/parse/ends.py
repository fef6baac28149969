"""The verbs that start other plays, keep values, and end the play."""

from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.parse.keys import Keys, short
from playbook_dsl.parse.parser import Parser
from playbook_dsl.syntax import PlayBody, SetBody, StopBody
from playbook_dsl.words import Value, Word


def play(parser: Parser, node: Node, verb: Word) -> PlayBody:
    """Read `play`: a slug, or a map."""
    if isinstance(node, Scalar):
        return PlayBody(parser.word(node, '"play"'))
    mapping = parser.mapping(node, '"play"', "write {playbook: exec-sponsor}")
    if mapping is None:
        return PlayBody()
    keys = Keys(parser, mapping, '"play"', ("playbook", "with", "wait"), required=("playbook",), at=verb.span)
    return PlayBody(keys.word("playbook"), keys.mapping_at("with"), keys.flag("wait", True))


def set_values(parser: Parser, node: Node, verb: Word) -> SetBody:
    """Read `set`: names and the expressions they stand for."""
    mapping = parser.mapping(node, '"set"', "write set: {level: account.tier}")
    if mapping is not None and not mapping.entries:
        parser.wrong_shape(Scalar(mapping.span, ""), '"set"', "at least one name and its value")
    return SetBody(
        tuple(
            (entry.key, Value(entry.value, None, f'the value "{short(entry.key.text)}"', bare=True))
            for entry in (mapping.entries if mapping else ())
        )
    )


def stop(parser: Parser, node: Node, verb: Word) -> StopBody:
    """Read `stop`: nothing, or `as` and `undo`."""
    if isinstance(node, Scalar) and node.is_null:
        return StopBody()
    mapping: Mapping | None = parser.mapping(node, '"stop"', "write stop: {as: not-needed}")
    if mapping is None:
        return StopBody()
    keys = Keys(parser, mapping, '"stop"', ("as", "undo"))
    return StopBody(keys.word("as"), keys.flag("undo"))
