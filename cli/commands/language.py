"""`check`, `explain`, `graph`, `schema`, `diff`: they read files only, without a server or a database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.workspace import Found
    from playbook_dsl.compiler import Compiled
    from playbook_dsl.plan import Plan


class GraphFormat(StrEnum):
    """What `graph` prints."""

    mermaid = "mermaid"
    json = "json"


Files = Annotated[list[Path], typer.Argument(help="Playbooks, or folders of them; without any, this folder.", show_default=False)]
File = Annotated[Path, typer.Argument(help="A playbook.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts and editors.")]


def register(app: typer.Typer) -> None:
    """Add the commands that work on files."""
    app.command()(check)
    app.command()(explain)
    app.command()(graph)
    app.command()(schema)
    app.command()(diff)


@contextmanager
def _telling() -> Iterator[None]:
    """Turn a file that is not there into one line and exit code 2."""
    from cli.workspace import NoSuchFile

    try:
        yield
    except NoSuchFile as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


def check(files: Files = [], as_json: AsJson = False) -> None:  # noqa: B006  # Typer reads the default once and passes a new list
    """Say everything that is wrong with playbooks, with its place. Ends with 1 if there are errors."""
    from cli.workspace import findings

    with _telling():
        found = findings(files or [Path()])
    if as_json:
        typer.echo(json.dumps(_as_json(found), ensure_ascii=False, indent=2))
    else:
        _print(found)
    if not found:
        typer.echo("there is no playbook here", err=True)
        raise typer.Exit(2)
    if any(one.has_errors for one in found):
        raise typer.Exit(1)


def _print(found: list[Found]) -> None:
    for one in found:
        typer.echo(one.text(), nl=False)
        if one.compiled is not None and not one.has_errors:
            typer.echo(f"{one.path}: ok, undo covers {one.compiled.coverage}")
    if found:
        diagnostics = [diagnostic for one in found for diagnostic in one.diagnostics]
        errors = sum(diagnostic.is_error for diagnostic in diagnostics)
        playbooks = sum(one.compiled is not None for one in found)
        counts = (_count(playbooks, "playbook"), _count(errors, "error"), _count(len(diagnostics) - errors, "warning"))
        typer.echo(", ".join(counts))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _as_json(found: list[Found]) -> list[dict[str, object]]:
    return [
        {
            "file": str(one.path),
            "ok": not one.has_errors,
            "playbook": one.compiled.plan.playbook if one.compiled and one.compiled.plan else None,
            "digest": one.compiled.plan.digest() if one.compiled and one.compiled.plan else None,
            "coverage": _coverage(one.compiled) if one.compiled else None,
            "diagnostics": [diagnostic.to_json() for diagnostic in one.diagnostics],
        }
        for one in found
    ]


def _coverage(compiled: Compiled) -> dict[str, object] | None:
    coverage = compiled.coverage
    return {"undoable": coverage.undoable, "total": coverage.total, "not_undone": list(coverage.not_undone)} if coverage else None


def _plan_of(path: Path) -> Plan:
    """The plan of a playbook; its errors go to standard error and end the command with 1."""
    from cli.workspace import compile_file
    from playbook_dsl.diagnostics import render_all

    with _telling():
        compiled = compile_file(path)
    if compiled.plan is None:
        typer.echo(render_all([one for one in compiled.diagnostics if one.is_error], compiled.source), nl=False, err=True)
        raise typer.Exit(1)
    return compiled.plan


def explain(file: File) -> None:
    """Say in plain words what a playbook does: who enters, what ends it, every step, what can be undone."""
    from cli.workspace import catalog_for
    from playbook_dsl.explain.play import explain as explain_plan

    typer.echo(explain_plan(_plan_of(file), catalog_for(file)), nl=False)


def graph(
    file: File,
    format: Annotated[
        GraphFormat, typer.Option("--format", "-f", help="mermaid for documents, json for other tools.")
    ] = GraphFormat.mermaid,
) -> None:
    """Draw a playbook as a flow chart."""
    from cli.workspace import catalog_for
    from playbook_dsl.graph import draw, to_mermaid

    drawn = draw(_plan_of(file), catalog_for(file))
    typer.echo(
        to_mermaid(drawn) if format is GraphFormat.mermaid else json.dumps(drawn.to_json(), ensure_ascii=False, indent=2),
        nl=format is GraphFormat.json,
    )


def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file.")] = None,
    folder: Annotated[Path, typer.Option(help="The folder whose people, templates and playbooks it shall know.")] = Path(),
) -> None:
    """Print the JSON Schema with which an editor completes and checks playbooks."""
    from cli.workspace import catalog_for
    from playbook_dsl.schema.playbook import playbook_schema

    text = json.dumps(playbook_schema(catalog_for(folder / "playbook.yaml")), ensure_ascii=False, indent=2)
    if output is None:
        typer.echo(text)
        return
    try:
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        typer.echo(f"{output}: {error.strerror or error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"wrote {output}; begin a playbook with `# yaml-language-server: $schema={output}`")


def diff(
    before: Annotated[Path, typer.Argument(help="The older version.", show_default=False)],
    after: Annotated[Path, typer.Argument(help="The newer version.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Say in words what a new version of a playbook changes."""
    from playbook_dsl.diff.plans import compare, render, to_json

    old, new = _plan_of(before), _plan_of(after)
    changes = compare(old, new)
    typer.echo(json.dumps(to_json(old, new, changes), ensure_ascii=False, indent=2) if as_json else render(changes), nl=as_json)
