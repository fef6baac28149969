"""Forms: the inputs of a playbook and the fields of a question."""

from playbook_dsl.nodes import Mapping, Scalar
from playbook_dsl.parse.keys import Keys, Reader, short
from playbook_dsl.syntax import FieldSpec
from playbook_dsl.words import Word

SIMPLE_TYPES = ("text", "integer", "number", "money", "bool", "date", "duration", "person", "contact", "account")
_OTHER_NAMES = {
    "string": "text", "str": "text", "int": "integer", "float": "number", "decimal": "number", "boolean": "bool", "enum": "one_of",
    "select": "one_of", "choice": "one_of", "array": "list of text", "list": "list of text", "datetime": "date", "user": "person",
}  # fmt: skip


def fields(reader: Reader, mapping: Mapping, kind: str) -> tuple[FieldSpec, ...]:
    """Read named fields; `kind` is "input" or "field" and stands in the messages."""
    found = []
    for entry in mapping.entries:
        what = f'the {kind} "{short(entry.key.text)}"'
        if isinstance(entry.value, Scalar):
            spec = FieldSpec(entry.key, entry.key.span)
            word = reader.word(entry.value, what)
            if word is not None:
                _type(reader, spec, word, what)
            found.append(spec)
        elif (body := reader.mapping(entry.value, what, f"write {entry.key.text}: {{type: text}}")) is not None:
            found.append(_field(reader, entry.key, body, what, kind))
    return tuple(found)


def _field(reader: Reader, name: Word, mapping: Mapping, what: str, kind: str) -> FieldSpec:
    legal = ("type", "one_of", "default", "required", "min", "max", "help", *(("from",) if kind == "input" else ()))
    keys = Keys(reader, mapping, what, legal)
    spec = FieldSpec(name, name.span, default=keys.node("default"), required=keys.word("required"), help=keys.word("help"))
    spec.minimum, spec.maximum = keys.number("min"), keys.number("max")
    spec.from_ = keys.expression("from")
    if keys.has("one_of"):
        spec.type, spec.options = "one_of", keys.words("one_of")
        if keys.has("type") and getattr(keys.node("type"), "text", "") not in ("one_of", "text"):
            reader.report.error("PB110", name.span, f'{what} has both "type" and "one_of"', hint='leave "type" out')
    elif (word := keys.word("type")) is not None:
        _type(reader, spec, word, what)
    elif not keys.has("type"):
        reader.report.error(
            "PB109", name.span, f"{what} has no type", hint=f"add type: text, or another of {', '.join(SIMPLE_TYPES)}, list of <type>"
        )
    return spec


def _type(reader: Reader, spec: FieldSpec, word: Word, what: str) -> None:
    text = word.text.strip()
    item = text.removeprefix("list of ").strip()
    if item in SIMPLE_TYPES:
        spec.type, spec.item = (text, None) if text in SIMPLE_TYPES else ("list", item)
        return
    legal = (*SIMPLE_TYPES, "one_of", "list of text")
    if text == "one_of":
        reader.report.error(
            "PB109", word.span, f"{what} does not say which texts are legal", hint="write one_of: [low, high] instead of type: one_of"
        )
        return
    other = _OTHER_NAMES.get(text.lower())
    hint = f"here it is called {other}" if other else f"legal: {', '.join(legal[:-1])}, list of <type>"
    reader.report.error(
        "PB115",
        word.span,
        f'{what} has the type "{short(text)}", which does not exist',
        hint=hint,
        suggest=None if other else (text, legal),
    )
