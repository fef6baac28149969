from __future__ import annotations

from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, ReasonOption


def register(app: typer.Typer) -> None:
    """Add `playkeeper enrollments` and `playkeeper withdraw`."""
    app.command()(enrollments)
    app.command()(withdraw)


def enrollments(
    playbook: Annotated[str | None, typer.Option(help="Only of this playbook.")] = None,
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    state: Annotated[str | None, typer.Option(help="suppressed, held_out, queued, active or left.")] = None,
    launch: Annotated[str | None, typer.Option(help="Only of this launch.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    json_output: JsonFlag = False,
) -> None:
    """List who is or was in which playbook, the newest first."""
    api = Api(json_output=json_output)
    which = {"playbook": playbook, "account": account, "state": state, "launch": launch}
    columns = {
        "id": "enrollment",
        "playbook": "playbook",
        "account": "account",
        "key": "about",
        "state": "state",
        "reason": "reason",
        "created_at": "came",
        "until": "until",
        "run": "play",
    }
    api.show_table(api.pages("/v1/enrollments", most, **which), columns, "There are no such enrollments.")


def withdraw(
    enrollment: Annotated[str, typer.Argument(help="The enrollment's id; `playkeeper enrollments` lists them.")],
    reason: ReasonOption = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Take back an enrollment that is queued, delayed or observed, as if it had never been."""
    api = Api(actor=actor, json_output=json_output)
    answer = api.post(f"/v1/enrollments/{enrollment}/withdraw", {"reason": reason})
    api.show(answer, [f"{answer['account']} is no longer in {answer['playbook']}: {answer['reason']}"])
