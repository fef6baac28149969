"""Reads lists of accounts from CSV, each with inputs of its own if there are columns for them."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from api.forms import check_form
from api.problems import FieldProblem, ImportRefused
from api.schemas.accounts import CellProblem, RowProblem
from playbook_dsl.plan import FormField
from playbook_dsl.values import Json
from storage.csv_records import FileRefused, Record, read_dialect, records

MOST_ROWS: Final = 100_000
_NAMES: Final = ("account", "account_id", "accountid", "id", "external_id", "customer", "customer_id", "customerid")
_MOST_SHOWN: Final = 200
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")
_WRITE: Final = {
    "integer": "a whole number such as 10",
    "number": "a number such as 2.5",
    "money": "an amount with its currency, such as 500 EUR",
    "bool": "yes or no",
    "date": "a date such as 2026-12-01",
    "duration": "a duration such as 3 business days",
    "list": "the items with a comma or semicolon between them",
}


@dataclass(frozen=True)
class Line:
    """One good row: where it stands, its account, its inputs where the file has columns for some, and its cells for messages."""

    line: int
    account: str
    inputs: Mapping[str, Json] | None
    cells: Mapping[str, str]


@dataclass
class ListFile:
    """What a file held. `left_out` are columns that no input is called like; `seen` gives the line of each account."""

    lines: list[Line] = field(default_factory=list)
    bad: list[RowProblem] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    column: str = "account"
    repeated: int = 0
    rows: int = 0


def read_list(content: bytes, form: Sequence[FormField], common: Mapping[str, Json]) -> ListFile:
    """Read a file. Nothing is asked of the database here; it is work for a thread.

    Args:
        content: the bytes as they came.
        form: the playbook's inputs.
        common: inputs for all of them; cells that are filled in win over these.

    Raises:
        ImportRefused: it is no CSV, names no columns, or has too many rows.
    """
    source = io.BytesIO(content)
    try:
        rows = records(source, read_dialect(source))
    except FileRefused as error:
        raise ImportRefused(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    header = next(rows, None)
    if header is None or header.wrong:
        raise ImportRefused("The first line must name the columns; one of them is account.")
    reader = _Reader(header.cells, form, common)
    for record in islice(rows, MOST_ROWS):
        reader.take(record)
    if next(rows, None) is not None:
        raise ImportRefused(f"The file has more than {MOST_ROWS:,} rows; split it, each part is a launch of its own.")
    return reader.found


def bad_row(line: int, column: str | None, value: str, wrong: str, write: str) -> RowProblem:
    """Say what is wrong with a row."""
    return RowProblem(line=line, problems=[CellProblem(column=column, value=value[:_MOST_SHOWN], wrong=wrong, write=write)])


class _Reader:
    def __init__(self, header: Sequence[str], form: Sequence[FormField], common: Mapping[str, Json]) -> None:
        self._form, self._common = form, common
        self._fields = {one.name: one for one in form}
        names = [name.strip().lower().replace(" ", "_") for name in header]
        self._account = next((names.index(name) for name in _NAMES if name in names and name not in self._fields), 0)
        self._inputs = {at: name for at, name in enumerate(names) if name in self._fields and at != self._account}
        left_out = [header[at][:80] for at, name in enumerate(names) if name and at != self._account and at not in self._inputs]
        self.found = ListFile(left_out=left_out, column=header[self._account][:80])
        self._known: dict[tuple[str, ...], tuple[Mapping[str, Json], list[FieldProblem]]] = {}

    def take(self, record: Record) -> None:
        found = self.found
        found.rows += 1
        account = record.cells[self._account] if len(record.cells) > self._account else ""
        if record.wrong is not None:
            write = 'close the quote, or write "" for a quote inside a text'
            found.bad.append(bad_row(record.line, None, record.cells[0], record.wrong, write))
        elif not account or "\0" in account or len(account) > 100:
            found.bad.append(bad_row(record.line, found.column, account, "is no account's id", "the id of an account"))
        elif account in found.seen:
            found.repeated += 1
            wrong = f"line {found.seen[account]} has the same account"
            found.bad.append(bad_row(record.line, found.column, account, wrong, "each account once"))
        else:
            self._good(record, account)

    def _good(self, record: Record, account: str) -> None:
        cells = {name: record.cells[at] for at, name in self._inputs.items() if len(record.cells) > at}
        inputs, wrong = self._checked(cells) if self._inputs else (None, [])
        if wrong:
            problems = [self._cell_problem(one, cells) for one in wrong]
            self.found.bad.append(RowProblem(line=record.line, problems=problems))
            return
        self.found.seen[account] = record.line
        self.found.lines.append(Line(record.line, account, inputs, cells))

    def _checked(self, cells: Mapping[str, str]) -> tuple[Mapping[str, Json], list[FieldProblem]]:
        """Check the inputs of a row; rows that say the same are checked once."""
        key = tuple(cells.values())
        known = self._known.get(key)
        if known is None:
            given = {name: read_cell(self._fields[name], cell) for name, cell in cells.items() if cell}
            known = check_form(self._form, {**self._common, **given}, "#")
            if len(self._known) < _MOST_SHOWN * 50:
                self._known[key] = known
        return known

    def _cell_problem(self, one: FieldProblem, cells: Mapping[str, str]) -> CellProblem:
        name = one.pointer.rpartition("/")[2]
        declared = self._fields.get(name)
        write = _WRITE.get(declared.type, "") if declared else ""
        if declared is not None and declared.options:
            write = f"one of {', '.join(declared.options)}"
        return CellProblem(column=name, value=cells.get(name, "")[:_MOST_SHOWN], wrong=one.detail, write=write or "a value that fits")


def read_cell(declared: FormField, text: str) -> Json:
    """Give a cell as JSON of the input's type; what does not fit goes as it is, and the form's check says what is wrong."""
    if declared.type == "list":
        separator = ";" if ";" in text else ","
        item = declared.model_copy(update={"type": declared.item or "text"})
        return [read_cell(item, part.strip()) for part in text.split(separator) if part.strip()]
    if declared.type in ("integer", "number"):
        return _number(text)
    if declared.type == "bool" and text.lower() in (*_YES, *_NO):
        return text.lower() in _YES
    return text


def _number(text: str) -> Json:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text
