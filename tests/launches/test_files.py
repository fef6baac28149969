"""Lists of accounts as people have them, and the waves of accounts; nothing here needs a server."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pytest

from api.problems import ImportRefused
from api.services.launch_files import read_list
from enrollment.launches import Course, wave_of
from playbook_dsl.enrollment import Enroll
from playbook_dsl.plan import FormField
from playbook_dsl.values import Json

FORM = (
    FormField(name="percent", type="integer", default=10, minimum=1, maximum=30, required=True),
    FormField(name="until", type="date", required=False),
    FormField(name="urgent", type="bool", required=False),
    FormField(name="words", type="list", item="text", required=False),
)
DEFAULTS = {"percent": 10, "until": None, "urgent": None, "words": None}


def read(text: str, **common: int) -> tuple[Sequence[tuple[str, Mapping[str, Json] | None]], list[tuple[int, str | None, str]]]:
    found = read_list(text.encode(), FORM, common)
    good = [(line.account, dict(line.inputs) if line.inputs is not None else None) for line in found.lines]
    return good, [(row.line, cell.column, cell.wrong) for row in found.bad for cell in row.problems]


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("account\nA\nB\n", [("A", None), ("B", None)]),
        ("name;Customer ID;percent\nAcme;A;12\n", [("A", DEFAULTS | {"percent": 12})]),
        ("whatever\tpercent\nA\t\n", [("A", DEFAULTS)]),
        (
            'id,until,urgent,words\nA,2026-12-01,yes,"one; two"\n',
            [("A", DEFAULTS | {"until": {"$date": "2026-12-01"}, "urgent": True, "words": ["one", "two"]})],
        ),
    ],
)
def test_columns_are_found_by_their_names(text: str, good: list[tuple[str, object]]) -> None:
    assert read(text) == (good, [])


def test_cells_win_over_what_all_have_in_common() -> None:
    good, _ = read("account,percent\nA,5\nB,\n", percent=20)

    assert good == [("A", DEFAULTS | {"percent": 5}), ("B", DEFAULTS | {"percent": 20})]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("A,many,", (2, "percent", 'must be a number, and is "many"')),
        ("A,1e400,", (2, "percent", "must be a number, and is inf")),
        ("A,nan,", (2, "percent", "must be a number, and is nan")),
        ("A,5,soon", (2, "until", 'must be a date such as 2026-12-01, and is "soon"')),
        (",5,", (2, "account", "is no account's id")),
        ('A,"5,', (2, None, 'a quote (") is opened and never closed')),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_column(row: str, problem: tuple[int, str | None, str]) -> None:
    good, bad = read(f"account,percent,until\n{row}\nB,5,\n")

    assert [account for account, _ in good] == ["B"]
    assert bad == [problem]


@pytest.mark.parametrize("text", ["", "\n\n", "\0\0"])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ImportRefused):
        read(text)


def test_a_hundred_thousand_rows_are_read_and_no_more() -> None:
    rows = "".join(f"A-{number},{number % 30 + 1}\n" for number in range(100_000))
    began = time.monotonic()

    good, bad = read(f"account,percent\n{rows}")

    assert (len(good), bad) == (100_000, [])
    assert time.monotonic() - began < 30
    with pytest.raises(ImportRefused, match="100,000 rows"):
        read(f"account,percent\n{rows}X,1\n")


def test_waves_are_stable_nested_and_as_large_as_they_say() -> None:
    accounts = [f"C-{number}" for number in range(4000)]

    narrow = {one for one in accounts if wave_of("acme", "offer", one, (0.05, 1.0)) == 1}
    wide = {one for one in accounts if wave_of("acme", "offer", one, (0.05, 0.25, 0.5)) <= 2}

    assert narrow < wide
    assert 0.03 < len(narrow) / 4000 < 0.07
    assert 0.22 < len(wide) / 4000 < 0.28
    assert {wave_of("acme", "offer", one, (0.05, 0.25, 0.5)) for one in accounts} == {1, 2, 3}
    assert wave_of("acme", "offer", "C-1", ()) == 0


def test_the_course_of_a_plan_is_read() -> None:
    given = Enroll(
        launch={"approve": {"by": ["role:vp_cs"]}, "waves": [0.05, 1.0], "gate": {"after": "2*days", "halt_if": "run.failed_share>0.05"}}
    )

    assert Course.of(given) == Course(("role:vp_cs",), (0.05, 1.0), "2*days", "run.failed_share>0.05")
    assert Course.of(Enroll()) == Course()
