from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
import yaml
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from cli.workspace import catalog_for
from playbook_dsl.schema.playbook import playbook_schema
from tests.playbook_dsl.catalogs import CATALOG
from tests.playbook_dsl.tools.plain import plain

CASES = Path(__file__).parents[1] / "cases"
LIBRARY = Path(__file__).parents[3] / "playbooks"
BAD = cast("list[dict[str, str]]", yaml.safe_load((Path(__file__).parent / "schema_bad.yaml").read_text()))
GOOD = sorted((CASES / "good").glob("*.yaml"))
VALIDATOR = Draft7Validator(playbook_schema(CATALOG))


def finding(text: str) -> tuple[str, str] | None:
    found = best_match(VALIDATOR.iter_errors(plain(text)))
    return (found.json_path, found.message) if found else None


def test_the_schema_is_valid_draft_07() -> None:
    Draft7Validator.check_schema(playbook_schema(CATALOG))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_what_the_compiler_accepts_the_schema_accepts(path: Path) -> None:
    assert finding(path.read_text()) is None


@pytest.mark.parametrize("case", BAD, ids=lambda case: case["name"])
def test_bad_structure_is_refused_at_its_place(case: dict[str, str]) -> None:
    found = finding(case["file"])

    assert found is not None
    assert found[0] == case["at"], found


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(LIBRARY.glob("*/*.yaml")) if not path.stem.endswith(".test") and path.parent.name != "scorecards"],
    ids=lambda path: path.stem,
)
def test_the_library_is_good_in_an_editor_too(path: Path) -> None:
    validator = Draft7Validator(playbook_schema(catalog_for(path)))

    found = best_match(validator.iter_errors(plain(path.read_text())))

    assert found is None, (found.json_path, found.message)
