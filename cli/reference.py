"""Writes docs/commands.md from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

import typer

PAGE = Path(__file__).resolve().parents[1] / "docs/commands.md"

_HEAD = """# Commands

Every command of `playkeeper`, as `playkeeper --help` tells it.
This page is written by `make docs`; a test keeps it whole.
"""


class Parameter(Protocol):
    """What is read of an argument or an option."""

    name: str | None
    param_type_name: str
    opts: list[str]
    secondary_opts: list[str]
    nargs: int
    required: bool


class Command(Protocol):
    """What is read of a command. Typer brings a copy of Click whose classes are not for others to import."""

    help: str | None
    hidden: bool
    params: list[Parameter]


def command_reference(app: typer.Typer) -> str:
    """Give the reference of all commands in Markdown, in the order of `playkeeper --help`."""
    root = cast(Command, typer.main.get_command(app))
    sections = [section for path, command in _leaves(root, ["playkeeper"]) for section in _describe(path, command)]
    return "\n".join([_HEAD, *sections])


def _leaves(command: Command, path: list[str]) -> Iterator[tuple[list[str], Command]]:
    children: dict[str, Command] | None = getattr(command, "commands", None)
    if children is None or (len(path) > 1 and getattr(command, "invoke_without_command", False)):
        yield path, command
    for name, child in (children or {}).items():
        if not child.hidden:
            yield from _leaves(child, [*path, name])


def _describe(path: list[str], command: Command) -> Iterator[str]:
    arguments = [_shape(parameter) for parameter in command.params if parameter.param_type_name == "argument"]
    yield f"## {' '.join(path)}\n"
    yield f"`{' '.join([*path, *arguments])}`\n"
    yield " ".join((command.help or "").split()) + "\n"
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        yield "\n".join(["| | |", "| --- | --- |", *rows, ""])


def _shape(argument: Parameter) -> str:
    repeated = f"{(argument.name or '').upper()}{'…' if argument.nargs == -1 else ''}"
    return repeated if argument.required else f"[{repeated}]"


def _row(parameter: Parameter) -> str:
    names = [_shape(parameter)] if parameter.param_type_name == "argument" else [*parameter.opts, *parameter.secondary_opts]
    explained = " ".join(str(getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
    return f"| {', '.join(f'`{name}`' for name in names)} | {explained} |"


def main() -> None:
    """Write docs/commands.md anew."""
    from cli.main import app

    PAGE.write_text(command_reference(app))


if __name__ == "__main__":
    main()
