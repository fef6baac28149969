from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, short_time


def register(app: typer.Typer) -> None:
    """Add `playkeeper exempt`, `playkeeper exemptions` and `playkeeper unexempt`."""
    app.command()(exempt)
    app.command()(exemptions)
    app.command()(unexempt)


AccountOption = Annotated[str | None, typer.Option(help="An account's id.")]
SegmentOption = Annotated[str | None, typer.Option(help="A segment: every account that is in it.")]
HoldoutFlag = Annotated[bool, typer.Option("--holdout", help="From the holdout of the playbook, not from the playbook itself.")]


def exempt(
    because: Annotated[str, typer.Option(help="Why; everybody who asks why not is told.")],
    account: AccountOption = None,
    segment: SegmentOption = None,
    playbook: Annotated[str | None, typer.Option(help="From this playbook; without it from all.")] = None,
    holdout: HoldoutFlag = False,
    until: Annotated[str | None, typer.Option(help="When it is over: 2027-01-31, or a time with its zone.")] = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Take an account or a segment out of a playbook, or out of its holdout."""
    if (account is None) == (segment is None):
        raise typer.BadParameter("name --account or --segment, one of them", param_hint="--account")
    body = {
        "account": account,
        "segment": segment,
        "playbook": playbook,
        "from": "holdout" if holdout else "playbook",
        "because": because,
        "until": _moment(until) if until else None,
    }
    api = Api(actor=actor, json_output=json_output)
    answer = api.post("/v1/exemptions", {name: value for name, value in body.items() if value is not None})
    api.show(answer, [f"{answer['id']}  {_who(answer)} is out of {_what(answer)}{_end(answer)}"])


def exemptions(
    account: AccountOption = None,
    segment: SegmentOption = None,
    playbook: Annotated[str | None, typer.Option(help="Only those that hold for this playbook.")] = None,
    over: Annotated[bool, typer.Option("--over", help="Also those that are over.")] = False,
    most: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    json_output: JsonFlag = False,
) -> None:
    """List who was taken out of what, the newest first."""
    api = Api(json_output=json_output)
    found = api.pages("/v1/exemptions", most, account=account, segment=segment, playbook=playbook, over=over or None)
    rows = found if json_output else [{**one, "who": _who(one), "what": _what(one)} for one in found]
    columns = {"id": "exemption", "who": "who", "what": "out of", "because": "because", "by": "by", "until": "until"}
    api.show_table(rows, columns, "Nobody was taken out.")


def unexempt(
    exemption: Annotated[str, typer.Argument(help="The exemption's id; `playkeeper exemptions` lists them.")],
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """End an exemption: the rules hold for the account again."""
    api = Api(actor=actor, json_output=json_output)
    api.send("DELETE", f"/v1/exemptions/{exemption}")
    api.show({"id": exemption, "ended": True}, ["The exemption is over."])


def _moment(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f'"{text}" is no time; write 2027-01-31, or 2027-01-31T09:00+01:00', param_hint="--until") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def _who(one: JsonTree) -> str:
    return str(one["account"] or f"every account of the segment {one['segment']}")


def _what(one: JsonTree) -> str:
    playbook = one["playbook"] or "all playbooks"
    return f"the holdout of {playbook}" if one["from"] == "holdout" else str(playbook)


def _end(one: JsonTree) -> str:
    return f" until {short_time(one['until'])}" if one["until"] else ""
