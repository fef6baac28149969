from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.running import RUNNING_FILE, api_url
from settings import Settings


@pytest.mark.parametrize(
    ("set_by_hand", "written_down", "expected"),
    [
        ("http://api.example", {"api_url": "http://127.0.0.1:9"}, "http://api.example"),
        (None, {"api_url": "http://127.0.0.1:9"}, "http://127.0.0.1:9"),
        (None, None, "http://127.0.0.1:8000"),
    ],
)
def test_commands_find_the_api(tmp_path: Path, set_by_hand: str | None, written_down: dict[str, str] | None, expected: str) -> None:
    if written_down is not None:
        (tmp_path / RUNNING_FILE).write_text(json.dumps(written_down))

    assert api_url(Settings(data_dir=tmp_path, api_url=set_by_hand)) == expected
