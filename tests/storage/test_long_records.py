from __future__ import annotations

import io

from storage.csv_records import read_dialect, records


def test_a_record_that_is_too_long_is_one_bad_record() -> None:
    source = io.BytesIO(b"id,name\nA-1,Good\nA-2," + b"x" * 450_000 + b"\nA-3,Good too\n")
    found = list(records(source, read_dialect(source)))

    assert [(record.line, record.wrong is not None) for record in found] == [(1, False), (2, False), (3, True), (4, False)]
    assert "200,000" in str(found[2].wrong)
