from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house.tree import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what setup reads, and a PATH on which the only Python is an old one."""
    (tmp_path / "cli/dev").mkdir(parents=True)
    (tmp_path / "programs").mkdir()
    for name in ("cli/dev/setup.sh", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("bash", "cat", "cksum", "dirname", "env", "grep"):
        (tmp_path / "programs" / name).symlink_to(str(shutil.which(name)))
    old = tmp_path / "programs/python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit 0\nexit 1\n')
    old.chmod(0o755)
    return tmp_path


def test_a_python_that_is_too_old_is_one_sentence(checkout: Path) -> None:
    done = subprocess.run(
        [str(checkout / "cli/dev/setup.sh")], env={"PATH": str(checkout / "programs")}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith("setup: Playkeeper needs Python 3.11 or newer and found Python 3.9.2.")
    assert done.stderr.count("\n") == 1
    assert not (checkout / ".venv").exists()
