from __future__ import annotations

import re

import pytest

from settings import SettingInvalid, Settings, read_settings
from tests.house.tree import ROOT, python_files, where

PREFIX = "PLAYKEEPER_"
# Read by the tests, by Compose, or by a command as the default of an option.
OTHERS = {"PLAYKEEPER_TEST_UI", "PLAYKEEPER_VERSION", "PLAYKEEPER_API_PUBLISH", "PLAYKEEPER_ACTOR"}


def row_of(name: str) -> str:
    field = Settings.model_fields[name]
    default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
    shown = "" if field.default in (None, "") else f"`{default}`"
    return f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |"


def test_the_table_of_settings_in_the_documentation_is_whole() -> None:
    documented = [line for line in (ROOT / "docs/operations.md").read_text().splitlines() if line.startswith(f"| `{PREFIX}")]

    assert documented == [row_of(name) for name in Settings.model_fields]


def test_every_variable_named_anywhere_is_a_setting() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | OTHERS
    texts = [
        *python_files(),
        *sorted(ROOT.glob("*.md")),
        *sorted(ROOT.glob("docs/*.md")),
        *ROOT.glob("docker-compose.yml"),
        ROOT / "Makefile",
    ]
    found = [
        f"{where(path)}: {name}" for path in texts for name in re.findall(r"PLAYKEEPER_[A-Z_]*[A-Z]", path.read_text()) if name not in known
    ]

    assert found == []


def test_every_number_says_its_unit_or_counts_something() -> None:
    units = re.compile(r"_(s|ms|min|bytes|port|size|plays)$")
    found = [name for name, field in Settings.model_fields.items() if field.annotation in (int, float) and not units.search(name)]

    assert found == []


def test_printing_the_settings_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ["DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_APP_PASSWORD", "TEMPORAL_API_KEY", "ENCRYPTION_KEYS", "SMTP_PASSWORD"]
    for name in secrets:
        monkeypatch.setenv(PREFIX + name, "canary")

    assert "canary" not in repr(Settings())


def test_a_wrong_value_is_answered_with_the_name_of_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYKEEPER_API_PORT", "eight")
    monkeypatch.setenv("PLAYKEEPER_SMTP_SECURITY", "perhaps")

    with pytest.raises(SettingInvalid, match=r"PLAYKEEPER_API_PORT: .*; PLAYKEEPER_SMTP_SECURITY: .*'starttls'"):
        read_settings()
