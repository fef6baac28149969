from __future__ import annotations

import ast
import re
from pathlib import Path, PurePosixPath

import pytest

from tests.house.tree import ROOT, python_files, tracked_files, where

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60

# Split, so that this file does not name what it looks for.
REGISTRY_HOSTS = [
    *(
        "py" + "pi.org",
        "python" + "hosted.org",
        "registry." + "npmjs",
        "registry." + "yarnpkg",
        "deb." + "debian.org",
        "proxy." + "golang.org",
    ),
    *("--index" + "-url", "--extra-index" + "-url", "--find" + "-links"),
]
MACHINE_PATH = re.compile(r"(?<![\w.}/:-])/(?:wor" + r"k|roo" + r"t|hom" + r"e)/\w")
FORBIDDEN_MODULES = {"core", "common", "utils", "helpers", "managers"}


def text_of(path: Path) -> str | None:
    data = path.read_bytes()
    return None if b"\0" in data[:8000] else data.decode("utf-8", errors="replace")


def test_no_file_names_a_package_registry() -> None:
    found = [
        f"{where(path)}: {host}"
        for path in tracked_files()
        if (text := text_of(path)) is not None
        for host in REGISTRY_HOSTS
        if host in text
    ]

    assert found == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    found = [
        f"{where(path)}:{number}: {line.strip()[:100]}"
        for path in tracked_files()
        if (text := text_of(path)) is not None
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]

    assert found == []


def test_package_files_are_empty() -> None:
    found = [where(path) for path in tracked_files() if path.name == "__init__.py" and path.read_text().strip()]

    assert found == []


def test_files_stay_within_500_lines() -> None:
    found = [f"{where(path)}: {lines}" for path in python_files() if (lines := len(path.read_text().splitlines())) > MAX_FILE_LINES]

    assert found == []


def test_functions_stay_within_60_lines() -> None:
    found = [
        f"{where(path)}:{node.lineno} {node.name}: {lines}"
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]

    assert found == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    found = [where(path) for path in python_files() if FORBIDDEN_MODULES & {*PurePosixPath(where(path)).with_suffix("").parts}]

    assert found == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_its_hashes(lock: str) -> None:
    logical_lines = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    packages = [line for line in logical_lines if re.match(r"[a-z0-9]", line)]

    assert packages
    assert [line for line in packages if "--hash=sha256:" not in line] == []
