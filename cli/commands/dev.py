from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `playkeeper dev`."""
    app.command()(dev)


def dev(
    demo: Annotated[bool, typer.Option(help="Run the demo once everything is up.")] = True,
) -> None:
    """Run everything on this machine: PostgreSQL, Temporal, worker and API. Ctrl-C stops all of it; the data stays."""
    try:
        from cli.dev.launch import run_everything
        from cli.dev.server import ServerError
        from settings import SettingInvalid, read_settings
    except ModuleNotFoundError as missing:
        typer.echo(f"playkeeper dev needs the development packages ({missing.name} is missing): run `make setup`", err=True)
        raise typer.Exit(2) from None
    try:
        run_everything(read_settings(), with_demo=demo)
    except (ServerError, SettingInvalid) as error:
        typer.echo(f"playkeeper dev: {error}", err=True)
        raise typer.Exit(1) from None
