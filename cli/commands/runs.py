from __future__ import annotations

from typing import Annotated

import typer

from cli.client import Api, JsonFlag, RunArgument
from cli.timeline import timeline_of


def register(app: typer.Typer) -> None:
    """Add `playkeeper runs` and `playkeeper run`."""
    app.command()(runs)
    app.command()(run)


def runs(
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    playbook: Annotated[str | None, typer.Option(help="Only of this playbook.")] = None,
    launch: Annotated[str | None, typer.Option(help="Only of this launch.")] = None,
    state: Annotated[str | None, typer.Option(help="starting, running, waiting, held, paused, undoing or closed.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Only those that ended so.")] = None,
    active: Annotated[bool, typer.Option("--active", help="Only those that have not ended.")] = False,
    most: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    json_output: JsonFlag = False,
) -> None:
    """List plays, the newest first."""
    api = Api(json_output=json_output)
    which = {"account": account, "playbook": playbook, "launch": launch, "state": state, "outcome": outcome, "active": active or None}
    columns = {
        "id": "play",
        "playbook": "playbook",
        "account": "account",
        "state": "state",
        "outcome": "outcome",
        "progress": "where it stands",
        "started_at": "started",
    }
    api.show_table(api.pages("/v1/runs", most, **which), columns, "There are no such plays.")


def run(play: RunArgument, json_output: JsonFlag = False) -> None:
    """Show a play: its steps, its effects done and undone, and where it is in the Temporal UI."""
    api = Api(json_output=json_output)
    found = api.get(f"/v1/runs/{play}")
    api.show(found, timeline_of(found))
