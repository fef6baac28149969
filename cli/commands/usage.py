from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, fail
from cli.commands.accounts import read_csv

_AT_ONCE = 5000
_BYTES_AT_ONCE = 4_000_000
_MOST_SHOWN = 20
_FIELDS = ("id", "account", "kind", "occurred_at", "ingested_at", "subject")


def register(app: typer.Typer) -> None:
    """Add `playkeeper usage`."""
    app.command("usage")(usage)


@dataclass
class _Sum:
    """What came of all batches; `problems` name lines of the file."""

    taken: int = 0
    known: int = 0
    refused: int = 0
    problems: list[JsonTree] = field(default_factory=list)

    def refuse(self, line: int, detail: str) -> None:
        self.refused += 1
        self.problems.append({"line": line, "where": "", "detail": detail})


def usage(
    file: Annotated[Path, typer.Argument(help="One JSON object a line (.ndjson), or .csv with a header; .gz is read too.")],
    as_known: Annotated[
        bool, typer.Option("--as-known", help="History: it was known when it happened, or when its ingested_at says.")
    ] = False,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Tell what was seen of accounts: usage, tickets, invoices, surveys, contracts. What is wrong is reported; the rest is kept."""
    api = Api(actor=actor, json_output=json_output)
    total = _Sum()
    text = _decoded(file)
    rows = _csv_rows(text) if ".csv" in file.suffixes else _json_rows(text, total)
    for lines, events in _batches(rows):
        answer = api.post("/v1/usage-events", {"events": events, "as_known": as_known})
        _add(total, answer, lines)
    total.problems.sort(key=lambda problem: problem["line"])
    api.show(total.__dict__, _lines(total))


def _decoded(file: Path) -> str:
    try:
        return read_csv(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fail(f"{file} is not UTF-8 (byte {error.start}); save it in UTF-8")


def _json_rows(text: str, total: _Sum) -> Iterator[tuple[int, JsonTree]]:
    from api.limits import check_json
    from api.problems import Problem

    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            # What no request may hold would keep its whole batch out.
            check_json(line.encode(errors="surrogatepass"))
        except Problem as problem:
            total.refuse(number, problem.detail)
            continue
        yield number, json.loads(line)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")


def _csv_rows(text: str) -> Iterator[tuple[int, JsonTree]]:
    import csv
    import io

    reader = csv.DictReader(io.StringIO(text.replace("\0", "")))
    for row in reader:
        cells = {str(name).strip(): value.strip() for name, value in row.items() if isinstance(value, str) and value.strip()}
        event: dict[str, JsonTree] = {name: cells.pop(name) for name in _FIELDS if name in cells}
        yield reader.line_num, {**event, "values": _values(event.get("kind", "usage"), cells)}


def _values(kind: str, cells: dict[str, str]) -> dict[str, JsonTree]:
    """Give the other columns as values; `features.reports` is the use of one feature."""
    from scoring.intake import CHECKS

    values: dict[str, JsonTree] = {}
    for name, cell in cells.items():
        check = CHECKS.get(kind, {}).get(name)
        if name.startswith("features."):
            values.setdefault("features", {})[name.removeprefix("features.")] = _plain(cell)
        else:
            values[name] = cell if check is not None and check(cell) is None else _plain(cell)
    return values


def _plain(cell: str) -> JsonTree:
    try:
        value = json.loads(cell.lower(), parse_constant=_refuse)
    except ValueError:
        return cell
    return value if isinstance(value, bool | int | float) and abs(value) < 1e15 else cell


def _batches(rows: Iterable[tuple[int, JsonTree]]) -> Iterator[tuple[list[int], list[JsonTree]]]:
    lines: list[int] = []
    events: list[JsonTree] = []
    size = 0
    for number, event in rows:
        length = len(json.dumps(event)) + 2
        if events and (len(events) == _AT_ONCE or size + length > _BYTES_AT_ONCE):
            yield lines, events
            lines, events, size = [], [], 0
        lines.append(number)
        events.append(event)
        size += length
    if events:
        yield lines, events


def _add(total: _Sum, answer: JsonTree, lines: list[int]) -> None:
    for name in ("taken", "known", "refused"):
        setattr(total, name, getattr(total, name) + answer[name])
    for problem in answer["problems"]:
        place, _, where = problem["pointer"].removeprefix("#/events/").partition("/")
        total.problems.append({"line": lines[int(place)], "where": where, "detail": problem["detail"]})


def _lines(total: _Sum) -> list[str]:
    lines = [f"{total.taken} taken, {total.known} known before, {total.refused} refused"]
    lines += [f"  line {one['line']}{', ' + one['where'] if one['where'] else ''}: {one['detail']}" for one in total.problems[:_MOST_SHOWN]]
    more = len(total.problems) - _MOST_SHOWN
    return [*lines, f"  … and {more} more"] if more > 0 else lines
