"""The call of an action: what belongs to the language is taken out, the rest is the action's own."""

from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.parse.keys import Keys, short
from playbook_dsl.parse.parser import Parser
from playbook_dsl.parse.policies import overdue
from playbook_dsl.syntax import ActionBody
from playbook_dsl.words import Word

OWN_KEYS = ("if_nobody", "wait", "overdue")


def action(parser: Parser, node: Node, verb: Word) -> ActionBody:
    """Read the call of an action. What its inputs mean is asked of the catalog later."""
    if isinstance(node, Scalar) and node.is_null:
        return ActionBody(verb, Mapping(verb.span))
    mapping = parser.mapping(node, f'"{short(verb.text)}"', f"write {short(verb.text)}: {{}} for an action without inputs")
    if mapping is None:
        return ActionBody(verb, Mapping(verb.span))
    own = [entry for entry in mapping.entries if entry.key.text in OWN_KEYS]
    keys = Keys(parser, Mapping(mapping.span, own), f'"{short(verb.text)}"', OWN_KEYS)
    return ActionBody(
        verb,
        Mapping(mapping.span, [entry for entry in mapping.entries if entry.key.text not in OWN_KEYS], mapping.is_flow),
        if_nobody=keys.choice("if_nobody", "hold", "skip"),
        wait=_flag(keys),
        overdue=keys.read("overdue", lambda found, what: overdue(parser, found, what), ()),
    )


def _flag(keys: Keys) -> Word | None:
    return keys.mapping.key("wait") if keys.flag("wait") else None
