"""Writes docs/reference/api.md from the routes and the problems themselves."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.openapi import TAGS
from api.problems import all_problems

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/api.md"

_HEAD = """# The HTTP API

Every route and every problem, as the API itself describes them at `/docs` and `/openapi.json`.
This page is written by `make docs`; a test keeps it whole.

Who is asking stands in the header `X-Playkeeper-Actor`; users and roles come later.
A request that changes something may carry an `Idempotency-Key`: sent again, it gets the answer of the first time and does nothing.
Lists come in pages: hand the `next` of one page as `after` of the following one.
A request may have at most 10 MB, and JSON at most 50 levels.
"""


def api_reference(openapi: dict[str, Any]) -> str:
    """Give the reference in Markdown, by tag and then by path."""
    return "\n".join([_HEAD, *_routes(openapi), *_problems()])


def _routes(openapi: dict[str, Any]) -> Iterator[str]:
    for tag in TAGS:
        yield f"## {tag['name'].capitalize()}\n"
        yield f"{tag['description']}\n"
        for path, item in openapi["paths"].items():
            for method, described in item.items():
                if described["tags"] == [tag["name"]]:
                    yield from _route(openapi, path, method.upper(), described)


def _route(openapi: dict[str, Any], path: str, method: str, described: dict[str, Any]) -> Iterator[str]:
    yield f"### {method} {path}\n"
    yield f"{described['summary']}.\n"
    yield f"{described['description']}\n"
    parameters = [one for one in described.get("parameters", []) if one["in"] == "query"]
    if parameters:
        yield "| query | |\n| --- | --- |"
        yield "\n".join(f"| `{one['name']}` | {one.get('description', '')} |" for one in parameters) + "\n"
    example = _body_example(openapi, described.get("requestBody"))
    if example:
        yield f"```json\n{json.dumps(example, ensure_ascii=False)}\n```\n"
    codes = sorted({code for answer in described["responses"].values() for code in _codes(answer)})
    if codes:
        yield f"Problems: {', '.join(codes)}.\n"


def _body_example(openapi: dict[str, Any], body: dict[str, Any] | None) -> object:
    schema = ((body or {}).get("content", {}).get("application/json") or {}).get("schema", {})
    for choice in [schema, *schema.get("anyOf", [])]:
        name = choice.get("$ref", "").rsplit("/", 1)[-1]
        examples = openapi["components"]["schemas"].get(name, {}).get("examples")
        if examples:
            return examples[0]
    return None


def _codes(answer: dict[str, Any]) -> list[str]:
    return list(answer.get("content", {}).get("application/problem+json", {}).get("examples", {}))


def _problems() -> Iterator[str]:
    yield "## Problems\n"
    yield "Every refusal is `application/problem+json` (RFC 9457); its `code` is stable.\n"
    yield "| code | status | what it says | what to do |\n| --- | --- | --- | --- |"
    yield "\n".join(f"| {kind.code} | {kind.status} | {kind.title} | {kind.advice} |" for kind in all_problems()) + "\n"


def main() -> None:
    """Write the page."""
    from pydantic import SecretStr

    from api.app import create_app
    from settings import Settings

    key = "docs:" + "A" * 43 + "="
    app = create_app(Settings(database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"), encryption_keys=SecretStr(key)))
    PAGE.write_text(api_reference(app.openapi()))


if __name__ == "__main__":
    main()
