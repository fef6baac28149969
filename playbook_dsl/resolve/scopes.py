"""What the names of the language stand for: facts, inputs, tables, the event that started the play."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from playbook_dsl.catalog import Catalog, FactDef
from playbook_dsl.enroll_syntax import EnrollSpec
from playbook_dsl.nodes import Mapping as MapNode
from playbook_dsl.nodes import Node, Scalar
from playbook_dsl.syntax import FieldSpec, PlaybookSpec
from playbook_dsl.types import ANY, BOOL, DATE, DURATION, MONEY, NUMBER, TEXT, Type, list_of, one_of, record

TRIGGER = record({"kind": TEXT, "id": TEXT.maybe()})
RUN = record({"id": TEXT, "launch": TEXT.maybe(), "version": NUMBER})
RUN_AT_END = record({**RUN.fields, "outcome": TEXT})
RUN_OF_LAUNCH = record({**RUN.fields, "failed_share": NUMBER})
ERROR = record({"code": TEXT, "message": TEXT, "step": TEXT})
ANYTHING = record({}, open=True)

_FIELD_TYPES = {
    "text": TEXT,
    "integer": NUMBER,
    "number": NUMBER,
    "money": MONEY,
    "bool": BOOL,
    "date": DATE,
    "duration": DURATION,
    "person": TEXT,
}

WHY_MISSING = {
    "arrived": "it stands only for the event of an alternative of `wait_until`",
    "error": "it stands only inside `catch`",
    "index": "it stands only inside `for_each`",
    "counts": "it stands only in `until` of a `for_each`",
    "total": "it stands only in the steps and in `until` of a `for_each`",
    "turn": "it stands only inside `repeat`",
    "run.outcome": "the outcome is known only in `finally`",
}


def field_type(field: FieldSpec) -> Type:
    """Give the type of a form's field or a playbook's input."""
    kind = ANY
    if field.type == "one_of":
        kind = one_of(*(option.text for option in field.options))
    elif field.type == "list":
        kind = list_of(_FIELD_TYPES.get(field.item or "", ANY))
    elif field.type is not None:
        kind = _FIELD_TYPES.get(field.type, ANY)
    required = field.required is None or field.required.value is not False
    return kind if required or field.default is not None else kind.maybe()


def fields_record(fields: tuple[FieldSpec, ...], *, open: bool = False) -> Type:
    """Give the record of a form's answers."""
    return record({field.name.text: field_type(field) for field in fields}, open=open)


_Tree: TypeAlias = "dict[str, Type | _Tree]"


@lru_cache(maxsize=16)
def fact_types(facts: tuple[FactDef, ...]) -> Mapping[str, Type]:
    """Give the root names of the facts with their types; dotted paths become records."""
    tree: _Tree = {}
    for fact in sorted(facts, key=lambda fact: fact.path.count(".")):
        *parents, name = fact.path.split(".")
        at: _Tree = tree
        for parent in parents:
            below = at.get(parent, {})
            at[parent] = at = dict(below.fields) if isinstance(below, Type) else below
        at[name] = fact.type
    return {name: _as_type(node) for name, node in tree.items()}


def _as_type(node: "Type | _Tree") -> Type:
    if isinstance(node, Type):
        return node
    return record({name: _as_type(below) for name, below in node.items()})


def table_types(tables: MapNode | None) -> Type:
    """Give the type of `tables`: each table maps row names to records or values."""
    found = {}
    for entry in tables.entries if tables else ():
        rows = entry.value.entries if isinstance(entry.value, MapNode) else []
        found[entry.key.text] = record({row.key.text: literal_type(row.value) for row in rows})
    return record(found, open=True)


def literal_type(node: Node) -> Type:
    """Give the type of a literal."""
    if isinstance(node, MapNode):
        return record({entry.key.text: literal_type(entry.value) for entry in node.entries})
    if not isinstance(node, Scalar):
        return list_of(literal_type(node.items[0]) if node.items else ANY)
    value = node.value
    if isinstance(value, bool):
        return BOOL
    return NUMBER if isinstance(value, int | float) else TEXT if value is not None else ANY.maybe()


def event_type(catalog: Catalog, name: str) -> Type:
    """Give the fields of an event; one the catalog does not know has any fields."""
    return catalog.events.get(name, ANYTHING)


def starting_event(enroll: EnrollSpec | None, catalog: Catalog) -> Type:
    """Give what `event` is in the steps: the fields of all events that may have started the play, all of them possibly missing."""
    names = [t.subject.text for t in enroll.triggers if t.kind == "event" and isinstance(t.subject, Scalar)] if enroll else []
    known = [catalog.events[name] for name in names if name in catalog.events]
    fields: dict[str, Type] = {}
    for kind in known:
        for name, type_ in kind.fields.items():
            fields[name] = type_.maybe() if fields.get(name, type_).kind == type_.kind else ANY.maybe()
    return record(fields, open=len(known) < len(names) or not names or any(kind.open for kind in known))


def base_names(playbook: PlaybookSpec, catalog: Catalog) -> dict[str, Type]:
    """Give the names that steps and exits can always use, `steps` and `vars` aside."""
    facts = fact_types(tuple(catalog.facts))
    return {
        **facts,
        "at_start": record(dict(facts)),
        "inputs": fields_record(playbook.inputs, open=True),
        "tables": table_types(playbook.tables),
        "trigger": TRIGGER,
        "event": starting_event(playbook.enroll, catalog),
        "run": RUN,
    }
