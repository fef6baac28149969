"""Bulk API 2.0: many records as one job, which Salesforce works off when it has time."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from simple_salesforce.api import Salesforce as Sdk
from simple_salesforce.bulk2 import Operation, SFBulk2Type

from connectors.salesforce.soql import field_path, object_name, record_id

T = TypeVar("T")
BulkRow: TypeAlias = dict[str, Any]
"""Values by field: text, numbers, truth values or None."""

Jobs: TypeAlias = Any
"""The SDK's client of single steps, whose class has no public name."""

_NULL: Final = "#N/A"  # an empty cell leaves the field as it is


class Ask(Protocol):
    """Runs a call of the SDK in a thread."""

    async def __call__(self, call: Callable[[Sdk], T]) -> T:
        """Give what it answers, or raise one of the four errors."""
        ...


@dataclass(frozen=True)
class Job:
    """How far a job is: `JobComplete`, `Failed` and `Aborted` are its last states."""

    id: str
    state: str
    processed: int
    failed: int
    message: str


class BulkJobs:
    """Upserts of many records.

    The SDK's own `upsert` would sit in a thread for up to a day; here each step is a call of its own, and the waiting is the caller's.
    """

    def __init__(self, ask: Ask) -> None:
        """Call through this."""
        self._ask = ask

    async def open(self, object_: str, field: str) -> str:
        """Open a job, and give its id. It does nothing before it has data and is closed."""
        made = await self._ask(lambda sdk: _jobs(sdk, object_).create_job(Operation.upsert, external_id_field=field_path(field)))
        return str(made["id"])

    async def upload(self, object_: str, job: str, rows: Sequence[BulkRow]) -> None:
        """Give an open job its data, and let it begin."""
        data = as_csv(rows)

        def give(sdk: Sdk) -> None:
            jobs = _jobs(sdk, object_)
            jobs.upload_job_data(record_id(job), data)
            jobs.close_job(record_id(job))

        await self._ask(give)

    async def abort(self, object_: str, job: str) -> None:
        """Give a job up that has not been closed."""
        await self._ask(lambda sdk: _jobs(sdk, object_).abort_job(record_id(job), False))

    async def job(self, object_: str, job: str) -> Job:
        """Say how far a job is."""
        found = await self._ask(lambda sdk: _jobs(sdk, object_).get_job(record_id(job), False))
        return Job(
            id=job,
            state=str(found["state"]),
            processed=int(found.get("numberRecordsProcessed") or 0),
            failed=int(found.get("numberRecordsFailed") or 0),
            message=str(found.get("errorMessage") or ""),
        )

    async def failures(self, object_: str, job: str, limit: int) -> list[str]:
        """Give what Salesforce said of the first records it refused."""
        told = await self._ask(lambda sdk: _jobs(sdk, object_).get_ingest_results(record_id(job), "failedResults"))
        rows = csv.DictReader(io.StringIO(told))
        return [str(row.get("sf__Error") or "")[:300] for _, row in zip(range(limit), rows, strict=False)]


def as_csv(rows: Sequence[BulkRow]) -> str:
    """Give rows as Salesforce reads them."""
    columns = list(dict.fromkeys(field_path(name) for row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row, column) for column in columns] for row in rows)
    return out.getvalue()


def _cell(row: BulkRow, column: str) -> str:
    if column not in row:
        return ""
    value = row[column]
    if value is None or value == "":
        return _NULL
    return str(value).lower() if isinstance(value, bool) else str(value)


def _jobs(sdk: Sdk, object_: str) -> Jobs:
    return SFBulk2Type(object_name(object_), sdk.bulk2_url, dict(sdk.headers), sdk.session)._client
