"""`test`: runs the `.test.yaml` files beside playbooks on a virtual clock. Reads files only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from playbook_dsl.plan import Plan
    from simulation.testing.suite import FileResult

TEST_SUFFIX = ".test.yaml"

Paths = Annotated[list[Path], typer.Argument(help="Test files, playbooks, or folders; without any, this folder.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("test")(run)


def run(
    paths: Paths = [],  # noqa: B006  # Typer reads the default once and passes a new list
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Run the tests of playbooks. Months of waiting take no time. Ends with 1 if a test fails."""
    from cli.workspace import NoSuchFile
    from simulation.testing.suite import as_json as report_for_programs
    from simulation.testing.suite import as_text

    try:
        results = [_run_file(path) for path in _test_files(paths or [Path()])]
    except NoSuchFile as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if not results:
        typer.echo(f"there is no test here; tests stand beside their playbook in <playbook>{TEST_SUFFIX}", err=True)
        raise typer.Exit(2)
    typer.echo(json.dumps(report_for_programs(results), ensure_ascii=False, indent=2) if as_json else as_text(results))
    if not all(result.passed for result in results):
        raise typer.Exit(1)


def _test_files(named: list[Path]) -> list[Path]:
    """Give the test files among what was named; a playbook stands for the tests beside it."""
    from cli.workspace import NoSuchFile

    found: dict[Path, None] = {}
    for path in named:
        if path.is_dir():
            below = (file for file in sorted(path.rglob(f"*{TEST_SUFFIX}")) if not _is_hidden(file.relative_to(path)))
            found |= dict.fromkeys(below)
            continue
        file = path if path.name.endswith(TEST_SUFFIX) else path.with_name(path.stem + TEST_SUFFIX)
        if not path.is_file() or not file.is_file():
            raise NoSuchFile(f"{file if path.is_file() else path}: no such file or folder")
        found[file] = None
    return list(found)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _run_file(path: Path) -> FileResult:
    from cli.workspace import catalog_for, read
    from simulation.testing.suite import run_tests

    return run_tests(read(path), str(path), lambda slug: _plan_for(path, slug), catalog_for(path))


def _plan_for(path: Path, slug: str | None) -> Plan | None:
    """Give the plan of the playbook a test file is about: the one it names, else the one of its own name."""
    from cli.workspace import compile_file

    playbook = path.with_name(f"{slug or path.name.removesuffix(TEST_SUFFIX)}.yaml")
    return compile_file(playbook).plan if playbook.is_file() else None
