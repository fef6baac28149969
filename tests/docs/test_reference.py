from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.dev.reference import MEANINGS, pages
from playbook_dsl.catalog import Catalog
from playbook_dsl.expressions.signatures import FUNCTION_NAMES
from playbook_dsl.parse.parser import COMMON_KEYS
from playbook_dsl.parse.playbook import TOP_KEYS, VERBS
from playbook_dsl.parse.triggers import KINDS
from playbook_dsl.schema.playbook import playbook_schema

LANGUAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "language.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "text"), list(pages()), ids=lambda value: f"{value.parent.name}/{value.name}" if isinstance(value, Path) else ""
)
def test_the_tables_are_those_of_the_code(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, "run `make docs`"


def test_every_verb_and_key_is_in_the_reference() -> None:
    words = set(re.findall(r"[\w.]+", LANGUAGE))

    assert {*TOP_KEYS, *COMMON_KEYS, *VERBS, *KINDS} - words == set()


def test_the_editor_schema_has_the_keys_the_parser_reads() -> None:
    schema = playbook_schema(Catalog())
    definitions = schema["definitions"]
    assert isinstance(definitions, dict)
    step = definitions["step"]
    assert isinstance(step, dict)

    assert set(schema["properties"]) == set(TOP_KEYS)  # type: ignore[arg-type]  # a map
    assert set(step["properties"]) | {"tasks"} == {*COMMON_KEYS, *VERBS}  # type: ignore[arg-type]  # a map


def test_every_function_has_its_meaning() -> None:
    assert set(MEANINGS) == FUNCTION_NAMES
