"""The `playkeeper` command: one file a command in `cli/commands/`, each with `register(app)`."""

from __future__ import annotations

import importlib
import pkgutil

import typer

from cli import commands


def build_app() -> typer.Typer:
    """Put together the command line from every module in `cli/commands/`.

    A module there offers `register(app: typer.Typer) -> None`, which adds its command or its group of commands.
    It keeps its heavy imports (Temporal, database, HTTP) inside the functions, because `playkeeper --help` loads them all.
    """
    built = typer.Typer(
        name="playkeeper",
        help="Customer-success playbooks as durable, reversible runs.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,  # locals may hold passwords and customers' data
    )

    @built.callback()
    def main() -> None:
        """Customer-success playbooks as durable, reversible runs."""

    for found in sorted(pkgutil.iter_modules(commands.__path__), key=lambda module: module.name):
        importlib.import_module(f"{commands.__name__}.{found.name}").register(built)
    return built


app = build_app()

if __name__ == "__main__":
    app()
