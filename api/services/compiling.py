"""Reads a playbook out of a request and compiles it against the tenant's catalog."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import ValidationError

from activities.catalog import load_catalog
from api.media import media_type
from api.problems import FieldProblem, MediaTypeUnknown, PlaybookRefused, RequestInvalid
from api.schemas.playbooks import EXAMPLE, DiagnosticOut, PlaybookText
from playbook_dsl.compiler import Compiled, compile_playbook
from storage.repositories.playbooks import NewVersion
from storage.session import Database

_YAML = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain")


def text_body(example: str, path: str) -> dict[str, Any]:
    """Describe for OpenAPI a route that takes a text: the file itself, or JSON around it."""
    properties = {"source": {"type": "string"}, "path": {"type": "string"}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/yaml": {"schema": {"type": "string"}, "example": example},
                "application/json": {
                    "schema": {"type": "object", "required": ["source"], "properties": properties},
                    "example": {"source": example, "path": path},
                },
            },
        }
    }


TEXT_BODY: dict[str, Any] = text_body(EXAMPLE, "hello.yaml")
"""How OpenAPI describes a route that takes a playbook."""


@dataclass(frozen=True)
class Text:
    """A playbook's text as it arrived; bytes, because a file need not be UTF-8 and the compiler says so best."""

    source: bytes
    path: str


async def read_text(
    request: Request,
    path: Annotated[
        str | None, Query(max_length=300, description="The file name, when the body is the file itself.", examples=["hello.yaml"])
    ] = None,
) -> Text:
    """Give the playbook in the body: the file itself, or JSON with `source` and `path`.

    Raises:
        MediaTypeUnknown: it is of another kind.
        RequestInvalid: the JSON has not this form.
    """
    kind = media_type(request.headers)
    body = await request.body()
    if kind in _YAML:
        return Text(body, path or "playbook.yaml")
    if kind != "application/json":
        raise MediaTypeUnknown("Send the playbook as application/yaml, or as application/json with its text under source.")
    try:
        given = PlaybookText.model_validate_json(body)
    except ValidationError as error:
        wrong = [
            FieldProblem(pointer="#/" + "/".join(map(str, item["loc"])), detail=item["msg"], code=item["type"]) for item in error.errors()
        ]
        raise RequestInvalid(errors=wrong) from None
    return Text(given.source.encode(), given.path or path or "playbook.yaml")


TextDep = Annotated[Text, Depends(read_text)]


async def compile_text(database: Database, tenant: str, text: Text) -> Compiled:
    """Compile a text against what the tenant has: fields, people, templates, other playbooks."""
    async with database.begin(tenant) as session:
        catalog = await load_catalog(session)
    # A long playbook takes a tenth of a second, in which other requests should not wait.
    return await asyncio.to_thread(compile_playbook, text.source, catalog, path=text.path)


def new_version(compiled: Compiled, text: Text, by: str) -> NewVersion:
    """Give what is to be kept of a compiled text.

    Raises:
        PlaybookRefused: with the compiler's diagnostics.
    """
    if compiled.plan is None:
        found = diagnostics_out(compiled)
        errors = [one for one in found if one.severity == "error"]
        first = f" The first is in line {errors[0].line}: {errors[0].message}" if errors else ""
        raise PlaybookRefused(
            f"The playbook has {len(errors)} error{'s' if len(errors) != 1 else ''}.{first}",
            extra={"diagnostics": [one.model_dump() for one in found]},
        )
    return NewVersion(source=text.source.decode(), plan=compiled.plan, digest=compiled.plan.digest(), by=by)


def diagnostics_out(compiled: Compiled) -> list[DiagnosticOut]:
    """Give the compiler's findings."""
    return [DiagnosticOut.model_validate(finding.to_json()) for finding in compiled.diagnostics]
