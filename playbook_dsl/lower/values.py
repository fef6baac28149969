"""Values of the file as nodes of the plan."""

from playbook_dsl.expressions.canonical import canonical
from playbook_dsl.expressions.read import read
from playbook_dsl.expressions.template import Piece, only_piece, split_template
from playbook_dsl.nodes import Mapping, Scalar, Sequence
from playbook_dsl.nodes import Node as YamlNode
from playbook_dsl.plan import Node
from playbook_dsl.resolve.forms import form_of, iso_moment
from playbook_dsl.types import Type
from playbook_dsl.words import Expression, Value


def expr(expression: Expression | None) -> str | None:
    """Give an expression's source as the plan keeps it: on one line."""
    return None if expression is None else one_line(expression.scalar.text)


def one_line(source: str) -> str:
    """Give an expression without line breaks and without spaces around it."""
    tree = read(source).tree if "\n" in source else None
    return source.strip() if tree is None else canonical(tree)


def value(given: Value | None) -> Node:
    """Give a value as a node, None when there is none."""
    return None if given is None else node(given.node, given.expects, bare=given.bare)


def node(given: YamlNode, expects: Type | None = None, *, bare: bool = False) -> Node:
    """Give a tree of values as a node of the plan, read as its place wants it."""
    if isinstance(given, Mapping):
        fields = expects.fields if expects else {}
        return {entry.key.text: node(entry.value, fields.get(entry.key.text)) for entry in given.entries}
    if isinstance(given, Sequence):
        return [node(item, expects.item if expects else None) for item in given.items]
    form = form_of(given, expects, bare=bare)
    if form == "expression":
        return {"$expr": one_line(given.text)}
    if form == "text":
        return text(given.text, wants_text=expects is not None and expects.kind == "text")
    return literal(given, expects)


def text(source: str, *, wants_text: bool = False) -> Node:
    """Give a text with `{{ }}`; one that is exactly one `{{ }}` keeps its type unless text is wanted."""
    single = only_piece(source)
    if single is not None:
        only: Node = {"$expr": one_line(single.source)}
        return {"$text": [only]} if wants_text else only
    return {"$text": [{"$expr": one_line(part.source)} if isinstance(part, Piece) else part for part in split_template(source)]}


def literal(scalar: Scalar, expects: Type | None) -> Node:
    """Give a literal: text stays as typed, a date is marked."""
    kind = expects.kind if expects else "any"
    if kind == "text":
        return None if scalar.is_null else scalar.text
    moment = iso_moment(scalar.text) if kind in ("date", "datetime") else None
    if moment is not None:
        return {"$date": moment.isoformat()} if len(scalar.text) == 10 else {"$datetime": moment.isoformat()}
    return scalar.value
