"""`make connector` writes what compiles and type-checks, and a standard suite that fails until the vendor is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.dev.new_connector import NotPossible, make_connector
from tests.house.tree import ROOT

ROOMS = ("activities", "connectors", "playbook_dsl", "storage", "tests", "cli", "api", "workflows", "simulation", "playbooks")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources, to be changed."""
    for name in ROOMS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "histories", "migrations"))
    for name in ("pyproject.toml", "settings.py", "worker.py", "logs.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_a_new_connector_is_ready_to_be_written(copy: Path) -> None:
    written = make_connector(copy, "help_desk", "Help Desk")
    tests = ["tests/connectors/test_standard.py", "-k", "help_desk and not servers", "-m", "not servers", "-q", "-p", "no:cacheprovider"]
    suite = subprocess.run(
        [sys.executable, "-m", "pytest", *tests],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    lint = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--ignore=I", "connectors", "activities"], cwd=copy, capture_output=True, check=False
    )

    assert "connectors/help_desk/client.py" in written
    assert "HELP_DESK," in (copy / "connectors/registry.py").read_text()
    assert suite.returncode == 0, suite.stdout[-2000:]
    assert lint.returncode == 0, lint.stdout


@pytest.mark.parametrize("name", ["stripe", "Zendesk", "zen-desk", "", "../etc"])
def test_a_name_that_cannot_be_one_writes_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "connectors" / "stripe").mkdir(parents=True)

    with pytest.raises(NotPossible):
        make_connector(tmp_path, name, "X")

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []
