"""Takes in files of accounts."""

import io
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from api.media import media_type
from api.plays import Plays
from api.problems import BodyUnreadable, ImportRefused, MediaTypeUnknown
from api.schemas.accounts import CellProblem, ImportReport, RowProblem
from api.security import Actor
from api.services.audit import audit
from api.services.delivering import deliver_all
from api.services.news import facts_changed
from storage.accounts_csv import import_accounts
from storage.csv_records import FileRefused
from storage.repositories.runs import list_active_accounts_changed_since
from storage.session import Database

_CSV = ("text/csv", "application/csv", "text/plain", "application/octet-stream")
_MOST_SHOWN = 100
_MOST_CELL = 200

CSV_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "id,name,mrr,currency,csm,health\nC-0001,ACME,500,EUR,maria,41\n"},
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
            },
        },
    }
}
"""How OpenAPI describes the route: the file itself, or a form with it."""


@dataclass(frozen=True)
class CsvFile:
    """The bytes of a file as they arrived; its encoding is found out by who reads it."""

    content: bytes


async def read_file(request: Request) -> CsvFile:
    """Give the file in the body: as it is, or the part `file` of a form.

    Raises:
        MediaTypeUnknown: it is of another kind.
        BodyUnreadable: the form cannot be read.
        ImportRefused: there is no file in it.
    """
    kind = media_type(request.headers)
    if kind in _CSV:
        return CsvFile(await request.body())
    if kind != "multipart/form-data":
        raise MediaTypeUnknown("Send the file as text/csv, or as the part `file` of a form.")
    if "boundary=" not in request.headers["content-type"]:
        raise BodyUnreadable("The form's Content-Type names no boundary; let your HTTP client write that header.")
    try:
        async with request.form(max_files=1, max_fields=10) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise ImportRefused('The form has no file under the name "file".')
            return CsvFile(await file.read())
    except MultiPartException as error:
        raise BodyUnreadable(f"The form cannot be read: {error.message}") from None


CsvDep = Annotated[CsvFile, Depends(read_file)]


async def take_in(database: Database, plays: Plays, user: Actor, file: CsvFile) -> ImportReport:
    """Import a file and tell the plays of accounts that changed.

    Raises:
        ImportRefused: the file as a whole cannot be read; nothing was imported.
    """
    began_at = datetime.now(UTC)
    try:
        found = await import_accounts(database, user.tenant, io.BytesIO(file.content))
    except FileRefused as error:
        raise ImportRefused(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    async with database.begin(user.tenant) as session:
        changed = await list_active_accounts_changed_since(session, began_at)
        deliveries = [delivery for account in changed for delivery in await facts_changed(session, account)]
        counts = {"rows": found.rows, "created": found.created, "updated": found.updated, "refused": len(found.bad)}
        await audit(session, user.name, "account.import", "account", "*", counts)
    told = await deliver_all(database, plays, user.tenant, deliveries)
    problems = [
        RowProblem(line=row.line, problems=[CellProblem.model_validate(_short(asdict(problem))) for problem in row.problems])
        for row in found.bad[:_MOST_SHOWN]
    ]
    return ImportReport(**counts, problems=problems, new_fields=found.new_fields, left_out=found.left_out, notes=found.notes, told=told)


def _short(problem: dict[str, str | None]) -> dict[str, str | None]:
    return {name: text[:_MOST_CELL] if text is not None else None for name, text in problem.items()}
