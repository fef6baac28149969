"""Import of accounts from CSV. Good rows are imported, bad ones are kept in the report with what is wrong and what to write."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import chain, islice
from typing import BinaryIO, Final

from playbook_dsl.types import Type
from storage.account_cells import guess_type
from storage.account_columns import AccountRow, Layout, Problem, Reader, layout_of
from storage.csv_records import FileRefused, Record, read_dialect, records
from storage.custom_fields import FIELD_TYPES
from storage.fact_definitions import facts_of
from storage.repositories.accounts import name_contacts, save_accounts, save_contacts
from storage.repositories.people import list_people, save_people
from storage.repositories.tasks import give_tasks_to_csm
from storage.repositories.tenants import add_custom_fields, find_tenant
from storage.sample.telco import TELCO
from storage.session import Database

BATCH_ROWS: Final = 500
_MOST_CELLS: Final = 500


@dataclass(frozen=True)
class BadRow:
    """A row that was not imported: its line in the file, its cells, and everything that is wrong with it."""

    line: int
    cells: list[str]
    problems: tuple[Problem, ...]


@dataclass
class ImportReport:
    """What became of a file. `created` and `updated` count accounts; nothing of a bad row was imported."""

    encoding: str
    delimiter: str
    rows: int = 0
    created: int = 0
    updated: int = 0
    bad: list[BadRow] = field(default_factory=list)
    new_fields: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def import_accounts(database: Database, tenant: str, source: BinaryIO, *, today: date | None = None) -> ImportReport:
    """Import a file of accounts: new ids become accounts, known ids are brought up to date. Importing it again changes nothing.

    Columns without a meaning of their own become fields of the tenant's own. The IBM Telco file is recognised and read as a book.

    Args:
        database: where the accounts go, a transaction for every 500 rows.
        tenant: whose they are.
        source: the file; it can be rewound and stays open.
        today: the day that made-up dates of the sample file count from.

    Raises:
        FileRefused: the file as a whole cannot be read; nothing was imported.
    """
    dialect = read_dialect(source)
    report = ImportReport(dialect.encoding, dialect.delimiter)
    if dialect.encoding == "cp1252":
        report.notes.append("the file is not UTF-8; it was read as Windows-1252")
    rows = records(source, dialect)
    header = next(rows, None)
    if header is None or header.wrong or len(header.cells) > _MOST_CELLS:
        raise FileRefused(f"the first line must name the columns, {_MOST_CELLS} at most")
    names = header.cells
    if TELCO.fits(names):
        report.notes.append("read as the IBM Telco sample: names, people and dates are made up")
        async with database.begin(tenant) as session:
            await save_people(session, TELCO.people)
        rows = TELCO.rewrite(names, rows, today or datetime.now(UTC).date())
        names = TELCO.header
    await _import_rows(database, tenant, names, rows, report)
    return report


async def _import_rows(database: Database, tenant: str, names: list[str], rows: Iterator[Record], report: ImportReport) -> None:
    ahead = list(islice(rows, BATCH_ROWS))
    reader = await _reader(database, tenant, names, ahead, report)
    seen: dict[str, int] = {}
    everything = chain(ahead, rows)
    while batch := list(islice(everything, BATCH_ROWS)):
        good = list(_good_rows(reader, batch, seen, report))
        async with database.begin(tenant) as session:
            created = await save_accounts(session, [row.account for row in good])
            await save_contacts(session, await name_contacts(session, [row.contact for row in good if row.contact is not None]))
            if good and "csm" in good[0].account:
                await give_tasks_to_csm(session, [str(row.account["id"]) for row in good])
        report.created += created
        report.updated += len(good) - created


async def _reader(database: Database, tenant: str, names: list[str], ahead: list[Record], report: ImportReport) -> Reader:
    """Prepare reading: own fields that are new are declared with the type their first cells have."""
    async with database.begin(tenant) as session:
        known = await find_tenant(session)
        layout = layout_of(names, {fact.path: fact for fact in facts_of(known)})
        declared = {one["name"]: one["type"] for one in known.custom_fields} if known else {}
        new = [
            {"name": name, "type": _guess(layout, index, ahead), "help": f'The column "{layout.header[index]}" of an imported file.'}
            for index, name in layout.new_names.items()
            if name not in declared
        ]
        report.new_fields = await add_custom_fields(session, new)
        report.left_out = [name for name, target in zip(layout.header, layout.targets, strict=True) if target is None]
        people = await list_people(session)
    kinds: dict[str, Type] = {fact.path: fact.type for fact in facts_of(known)}
    kinds |= {f"custom.{name}": FIELD_TYPES[word] for name, word in declared.items()}
    kinds |= {f"custom.{one['name']}": FIELD_TYPES[one["type"]] for one in new}
    csms = {name: person.id for person in people if person.active for name in (person.email.lower(), person.id)}
    return Reader(layout, kinds, csms, known.currency if known else "USD")


def _guess(layout: Layout, index: int, ahead: Iterable[Record]) -> str:
    if layout.header[index] in TELCO.types:
        return TELCO.types[layout.header[index]]
    return guess_type([row.cells[index] for row in ahead if row.wrong is None and len(row.cells) > index])


def _good_rows(reader: Reader, batch: Iterable[Record], seen: dict[str, int], report: ImportReport) -> Iterator[AccountRow]:
    for record in batch:
        report.rows += 1
        if record.wrong is not None:
            problems = [Problem(None, record.cells[0][:200], record.wrong, 'close the quote, or write "" for a quote inside a text')]
            report.bad.append(BadRow(record.line, record.cells, tuple(problems)))
            continue
        row, problems = reader.read(record.cells)
        if row is None:
            report.bad.append(BadRow(record.line, record.cells, tuple(problems)))
            continue
        account = str(row.account["id"])
        if account in seen:
            problem = Problem("id", account, f"line {seen[account]} has the same id", "an id of its own, or only one of the two rows")
            report.bad.append(BadRow(record.line, record.cells, (problem,)))
            continue
        seen[account] = record.line
        yield row
