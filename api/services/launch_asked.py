"""What a launch, or its preview, is asked for: from a JSON body, or from a file."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from api.problems import FieldProblem, ImportRefused, RequestInvalid
from api.schemas.accounts import RowProblem
from api.schemas.launches import PreviewLaunch, StartLaunch
from api.schemas.runs import Rule
from api.services.imports import CsvFile
from api.services.launch_files import Line, ListFile, bad_row, read_list
from api.services.references import unknown_references
from api.services.starting import checked_inputs, startable_version
from enrollment.states import Reason
from playbook_dsl.values import Json
from storage.enrollment.launching import Listed, Wanted
from storage.enrollment.published import Published
from storage.repositories.accounts import list_known_account_ids
from storage.session import Database, Session

_ASKED_AT_ONCE: Final = 5000
_MOST_PROBLEMS: Final = 100


@dataclass
class Prepared:
    """A launch, ready to be written down or looked at. `listed` is None for the playbook's audience.

    `counts` are of rows that are left out already, by reason; `problems` say what is wrong with the first of them.
    """

    playbook: Published
    wanted: Wanted
    listed: list[Listed] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def left_out(self) -> int:
        """Give how many rows are left out already."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class FileAsked:
    """A launch of the accounts of a file. `inputs` are for all of them, as JSON."""

    playbook: str
    inputs: str | None
    ignore: Sequence[Rule]
    key: str | None


async def prepare_list(session: Session, body: StartLaunch | PreviewLaunch) -> Prepared:
    """Check a launch of a list of accounts.

    Raises:
        PlaybookNotFound, PlaybookNotPublished, InputsRefused: nothing was started.
    """
    playbook = await startable_version(session, body.playbook, body.version if isinstance(body, PreviewLaunch) else None)
    inputs = await checked_inputs(session, playbook.plan, body.inputs)
    wanted = Wanted(inputs=inputs, ignore=frozenset(body.ignore), key=body.key)
    listed = None if body.accounts is None else [Listed(account) for account in dict.fromkeys(body.accounts)]
    return Prepared(playbook, wanted, listed)


async def prepare_file(database: Database, tenant: str, asked: FileAsked, file: CsvFile) -> Prepared:
    """Check a launch of the accounts of a file: rows that cannot be read, repetitions and unknown accounts are left out and listed.

    Raises:
        PlaybookNotFound, PlaybookNotPublished, InputsRefused: nothing was started.
        ImportRefused: the file cannot be read, or not one of its rows is good.
    """
    common = _inputs(asked.inputs)
    async with database.begin(tenant) as session:
        playbook = await startable_version(session, asked.playbook)
    found = await asyncio.to_thread(read_list, file.content, playbook.plan.inputs, common)
    with_own = any(line.inputs is not None for line in found.lines)
    async with database.begin(tenant) as session:
        inputs = common if with_own else await checked_inputs(session, playbook.plan, common)
        good, unknown = await _known_ones(session, found)
        good, wrong = await _with_known_references(session, playbook, good) if with_own else (good, [])
    prepared = Prepared(
        playbook,
        Wanted(inputs=inputs, ignore=frozenset(asked.ignore), key=asked.key),
        [Listed(line.account, line.inputs) for line in good],
        counts=_counts(found, len(unknown), len(wrong)),
        problems=sorted([*found.bad, *unknown, *wrong], key=lambda row: row.line)[:_MOST_PROBLEMS],
    )
    if found.left_out:
        prepared.notes.append(f"columns left out, because the playbook has no inputs of these names: {', '.join(found.left_out[:20])}")
    if not good:
        raise ImportRefused("Not one row of the file names an account that can enter; nothing was started.", errors=_first(prepared))
    return prepared


def _inputs(text: str | None) -> Mapping[str, Json]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        wrong = FieldProblem(pointer="?inputs", detail='must be a JSON object such as {"discount_percent": 10}', code="bad_value")
        raise RequestInvalid(errors=[wrong])
    return found


async def _known_ones(session: Session, found: ListFile) -> tuple[list[Line], list[RowProblem]]:
    good: list[Line] = []
    unknown: list[RowProblem] = []
    for at in range(0, len(found.lines), _ASKED_AT_ONCE):
        some = found.lines[at : at + _ASKED_AT_ONCE]
        known = await list_known_account_ids(session, [line.account for line in some])
        for line in some:
            if line.account in known:
                good.append(line)
            else:
                write = "import the account first, or correct the id"
                unknown.append(bad_row(line.line, found.column, line.account, "there is no such account", write))
    return good, unknown


async def _with_known_references(session: Session, playbook: Published, lines: Sequence[Line]) -> tuple[list[Line], list[RowProblem]]:
    """Leave out rows that name people, contacts or accounts that do not exist; each name is asked for once."""
    form = [one for one in playbook.plan.inputs if (one.item or one.type) in ("person", "contact", "account")]
    if not form:
        return list(lines), []
    good: list[Line] = []
    bad: list[RowProblem] = []
    known: dict[str, list[FieldProblem]] = {}
    for line in lines:
        named = {one.name: (line.inputs or {}).get(one.name) for one in form}
        said = json.dumps(named, sort_keys=True)
        if said not in known:
            known[said] = await unknown_references(session, form, named, "#")
        if not known[said]:
            good.append(line)
            continue
        first = known[said][0]
        name = first.pointer.rpartition("/")[2]
        bad.append(bad_row(line.line, name, line.cells.get(name, ""), first.detail, "the id of one that exists"))
    return good, bad


def _counts(found: ListFile, unknown: int, wrong: int) -> dict[str, int]:
    bad = len(found.bad) - found.repeated + wrong
    counts = {str(Reason.UNKNOWN): unknown, str(Reason.BAD_INPUTS): bad, "repeated": found.repeated}
    return {reason: count for reason, count in counts.items() if count}


def _first(prepared: Prepared) -> list[FieldProblem]:
    return [
        FieldProblem(pointer=f"line {row.line}" + (f", column {cell.column}" if cell.column else ""), detail=cell.wrong, code="bad_value")
        for row in prepared.problems[:20]
        for cell in row.problems
    ]
