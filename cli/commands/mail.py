from __future__ import annotations

from typing import Annotated

import typer

from cli.client import JsonFlag, print_json, print_table


def register(app: typer.Typer) -> None:
    """Add `playkeeper mail`."""
    app.command()(mail)


def mail(
    show: Annotated[str | None, typer.Argument(help="The message id of a mail to print whole.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 20,
    json_output: JsonFlag = False,
) -> None:
    """Read the development outbox: e-mails that were written down instead of sent, the newest first."""
    import asyncio
    from dataclasses import asdict

    from connectors.email.outbox import FolderOutbox
    from settings import SettingInvalid, read_settings

    try:
        folder = read_settings().outbox_folder
    except SettingInvalid as error:
        typer.echo(f"playkeeper: {error}", err=True)
        raise typer.Exit(2) from None
    mails = asyncio.run(FolderOutbox(folder).read(limit=most if show is None else 10_000))
    found = [{**asdict(one), "at": one.at.isoformat()} for one in mails if show is None or one.message_id == show]
    if json_output:
        print_json(found)
    elif not found:
        typer.echo(f"There are no such e-mails in {folder}.")
    elif show is None:
        print_table(found, {"at": "when", "to": "to", "subject": "subject", "message_id": "message id"})
    else:
        for one in found:
            typer.echo(f"From: {one['sender']}\nTo: {one['to']}\nSubject: {one['subject']}\n\n{one['text']}")
