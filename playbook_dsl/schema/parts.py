"""The small parts every schema here is put together from.

Draft-07, because that is what the YAML tools of editors understand best. Where a typed value stands, a text with `{{ }}` may stand too.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from playbook_dsl.values import Json

Schema: TypeAlias = dict[str, Json]

SLUG = "^[a-z0-9][a-z0-9-]{0,62}$"
ID = "^[a-z][a-z0-9_]{0,62}$"
TEMPLATED = r"\{\{"
IN_BRACES = r"^\s*\{\{[^{}]*\}\}\s*$"


def ref(name: str, description: str = "") -> Schema:
    """Point to a definition; a description of the place itself goes into an `allOf`, because draft-07 ignores what stands beside `$ref`."""
    target: Schema = {"$ref": f"#/definitions/{name}"}
    return {"description": description, "allOf": [target]} if description else target


def closed(properties: Mapping[str, Schema], description: str = "", *, required: Iterable[str] = (), nullable: bool = False) -> Schema:
    """Give a map with exactly these keys."""
    schema: Schema = {"type": ["object", "null"] if nullable else "object"}
    if description:
        schema["description"] = description
    schema |= {"properties": dict(properties), "additionalProperties": False}
    needed = sorted(required)
    return schema | {"required": list[Json](needed)} if needed else schema


def named(values: Schema, description: str = "", *, least: int = 0) -> Schema:
    """Give a map from names the author chooses."""
    schema: Schema = {"type": "object", "additionalProperties": values}
    if least:
        schema["minProperties"] = least
    return schema | {"description": description} if description else schema


def choice(*options: str, description: str = "") -> Schema:
    """Give one of a few words."""
    return {"enum": list[Json](options)} | ({"description": description} if description else {})


def text(description: str = "", *, pattern: str | None = None) -> Schema:
    """Give a text; numbers and true/false are texts too where a text is wanted, unless there is a pattern."""
    schema: Schema = {"type": "string", "pattern": pattern} if pattern else {"type": ["string", "number", "boolean"]}
    return schema | ({"description": description} if description else {})


def whole(description: str = "", *, least: int | None = None, most: int | None = None) -> Schema:
    """Give a whole number within bounds."""
    return _bounded("integer", description, least, most)


def number(description: str = "", *, least: float | None = None, most: float | None = None) -> Schema:
    """Give a number within bounds."""
    return _bounded("number", description, least, most)


def _bounded(kind: str, description: str, least: float | None, most: float | None) -> Schema:
    schema: Schema = {"type": kind}
    schema |= {"minimum": least} if least is not None else {}
    schema |= {"maximum": most} if most is not None else {}
    return schema | ({"description": description} if description else {})


def flag(description: str = "") -> Schema:
    """Give true or false."""
    schema: Schema = {"type": "boolean"}
    return schema | {"description": description} if description else schema


def one_or_many(item: Schema, description: str = "") -> Schema:
    """Give a list that may be written as a single item."""
    schema: Schema = {"anyOf": [item, {"type": "array", "items": item}]}
    return schema | ({"description": description} if description else {})


def suggested(words: Iterable[str], otherwise: Schema, description: str = "") -> Schema:
    """Offer words for completion without refusing others."""
    known = sorted(set(words))
    schema: Schema = {"anyOf": [{"enum": list[Json](known)}, otherwise]} if known else dict(otherwise)
    return schema | ({"description": description} if description else {})


def either(*options: Schema, description: str = "") -> Schema:
    """Give one of several forms."""
    return {"anyOf": list[Json](options)} | ({"description": description} if description else {})
