from __future__ import annotations

import ast
import re
import tomllib

from tests.house.tree import ROOT, python_files, where

FIXED = {
    *("temporalio", "fastapi", "sqlmodel", "asyncpg", "pydantic", "jinja2", "sendgrid", "twilio", "google-api-python-client"),
    *("simple-salesforce", "stripe", "scikit-learn", "pytest-asyncio"),
}
# The name that is imported, where it is not the package's own.
IMPORTED_AS = {
    "google-api-python-client": "googleapiclient",
    "markdown-it-py": "markdown_it",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
}
NOT_IMPORTED = {
    "numba": "shap needs it; named so that a version with wheels is chosen",
    "python-multipart": "FastAPI imports it to read uploaded files",
    "tzdata": "zoneinfo reads its files where the system has none",
}


def declared(group: str | None = None) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"][group] if group else project["dependencies"]
    return {re.split(r"[\[<>=;! ]", line)[0] for line in lines}


def imported() -> set[str]:
    found: set[str] = set()
    for path in python_files():
        if where(path).startswith(("tests/", "bench/")):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found


def test_the_packages_that_are_fixed_are_dependencies() -> None:
    assert FIXED - declared() - declared("dev") == set()


def test_every_dependency_is_used_or_says_why_not() -> None:
    used = imported()
    unused = {name for name in declared() if IMPORTED_AS.get(name, name.replace("-", "_")) not in used}

    assert unused == set(NOT_IMPORTED)


def test_both_locks_hold_every_dependency() -> None:
    locked = {
        name: set(re.findall(r"^([a-z0-9-]+)==", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    }

    assert declared() - locked["requirements.lock"] == set()
    assert (
        declared() | declared("dev") | declared("local") - locked["requirements-dev.lock"]
        >= locked["requirements.lock"] - locked["requirements-dev.lock"]
    )
