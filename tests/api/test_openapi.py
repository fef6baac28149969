"""The API's description of itself is whole: every route has a summary, an answer, an example and its problems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from api.app import create_app
from api.problems import all_problems
from settings import Settings
from tests.api.conftest import KEYS

JsonTree = Any

SETTINGS = Settings(database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"), encryption_keys=SecretStr(KEYS))
OPENAPI: JsonTree = create_app(SETTINGS).openapi()
ROUTES = [(path, method) for path, item in OPENAPI["paths"].items() for method in item]


def operation(path: str, method: str) -> JsonTree:
    return OPENAPI["paths"][path][method]


def examples_in(node: JsonTree, seen: frozenset[str] = frozenset()) -> Iterator[JsonTree]:
    """Give every example in a piece of the description, following its references."""
    if isinstance(node, list):
        for item in node:
            yield from examples_in(item, seen)
    if not isinstance(node, dict):
        return
    reference = node.get("$ref")
    if reference and reference not in seen:
        yield from examples_in(OPENAPI["components"]["schemas"][reference.rsplit("/", 1)[1]], seen | {reference})
    for name, value in node.items():
        if name in ("example", "examples"):
            yield value
        else:
            yield from examples_in(value, seen)


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_every_route_is_described(path: str, method: str) -> None:
    described = operation(path, method)

    assert described["summary"]
    assert described["description"]
    assert described["tags"]


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_every_route_says_what_it_answers_with_an_example(path: str, method: str) -> None:
    answers = {status: answer for status, answer in operation(path, method)["responses"].items() if status.startswith("2")}

    assert answers
    for status, answer in answers.items():
        for content in answer["content"].values() if status != "204" else ():
            assert content["schema"]
            assert any(examples_in(content)) or "example" in content or path in ("/health/live", "/v1/runs/{run_id}/live")


@pytest.mark.parametrize(("path", "method"), [(path, method) for path, method in ROUTES if "requestBody" in operation(path, method)])
def test_every_body_has_an_example(path: str, method: str) -> None:
    assert any(examples_in(operation(path, method)["requestBody"]))


@pytest.mark.parametrize(("path", "method"), [(path, method) for path, method in ROUTES if path.startswith("/v1/")])
def test_every_route_names_its_problems(path: str, method: str) -> None:
    responses = operation(path, method)["responses"]
    problems = {status: answer for status, answer in responses.items() if status >= "4" and "application/problem+json" in answer["content"]}

    assert {"422", "503"} <= set(problems)
    assert all(answer["content"]["application/problem+json"]["examples"] for answer in problems.values())


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_every_parameter_is_described(path: str, method: str) -> None:
    silent = [one["name"] for one in operation(path, method).get("parameters", []) if not one.get("description")]

    assert [name for name in silent if name != "code"] == []


def test_codes_of_problems_are_unique_and_say_what_to_do() -> None:
    kinds = all_problems()

    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.title and kind.advice and 400 <= kind.status < 600 for kind in kinds)
    assert all((kind.__doc__ or "").startswith(f"{kind.code}:") for kind in kinds if kind.code != "SYS001")
