from __future__ import annotations

import uuid
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, read_pairs
from cli.commands.control import json_or_text


def register(app: typer.Typer) -> None:
    """Add `playkeeper event` and `playkeeper effects`."""
    app.command()(event)
    app.command()(effects)


def event(
    name: Annotated[str, typer.Argument(help="What happened, such as `meeting.booked`.")],
    account: Annotated[str | None, typer.Option("--account", "-a", help="Whom it is about.")] = None,
    fields: Annotated[list[str] | None, typer.Option("--field", "-f", help="name=value; JSON values are read as such.")] = None,
    event_id: Annotated[str | None, typer.Option("--id", help="Its own id: the same again is the same event.")] = None,
    source: Annotated[str, typer.Option(help="Where it comes from.")] = "cli",
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Deliver an event to the plays of an account."""
    api = Api(actor=actor, json_output=json_output)
    data = {key: json_or_text(value) for key, value in read_pairs(fields or [], "--field").items()}
    body = {"id": event_id or uuid.uuid4().hex, "source": source, "type": name, "account": account, "data": data}
    answer = api.post("/v1/events", body)
    api.show(answer, [answer["message"]])


def effects(
    account: Annotated[str | None, typer.Option(help="Only on this account.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only with this status; several times for several.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    json_output: JsonFlag = False,
) -> None:
    """List what plays did to the world, and what was taken back."""
    api = Api(json_output=json_output)
    columns = {"intended_at": "when", "account": "account", "action": "action", "title": "what", "status": "status", "detail": "detail"}
    api.show_table(api.pages("/v1/effects", most, account=account, status=status), columns, "There are no such effects.")
