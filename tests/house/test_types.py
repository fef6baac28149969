from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.house.tree import python_files, where

IGNORE = re.compile(r"#\s*(type:\s*ignore\b|noqa\b).*")
EXPLAINED = re.compile(r"#\s*(type:\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z0-9, ]+)\s+#?\s*\S.*\S")


def annotations_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    # `**particulars: Any` is left alone: what is handed on by name to another function is checked there.
    arguments = function.args
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg]:
        if argument is not None and argument.annotation is not None:
            yield argument.annotation
    if function.returns is not None:
        yield function.returns


def test_no_signature_says_bare_any() -> None:
    found = [
        f"{where(path)}:{function.lineno} {function.name}"
        for path in python_files()
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for annotation in annotations_of(function)
        if isinstance(annotation, ast.Name) and annotation.id == "Any"
    ]

    assert found == []


def test_every_silenced_check_gives_its_reason() -> None:
    found = [
        f"{where(path)}:{number}: {line.strip()}"
        for path in python_files()
        if where(path) != "tests/house/test_types.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (silenced := IGNORE.search(line)) and not EXPLAINED.match(silenced.group())
    ]

    assert found == []
