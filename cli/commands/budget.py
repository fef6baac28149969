from __future__ import annotations

from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, short_time


def register(app: typer.Typer) -> None:
    """Add `playkeeper budget`."""
    budget = typer.Typer(help="How often people at customers may be written to, by all plays together.", no_args_is_help=True)
    budget.command("show")(show)
    budget.command("default")(default)
    budget.command("set")(set_default)
    app.add_typer(budget, name="budget")


def show(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    playbook: Annotated[str | None, typer.Option(help="With this playbook's own budgets instead of the default ones.")] = None,
    json_output: JsonFlag = False,
) -> None:
    """Show what each contact has had, what is left, and which messages wait."""
    api = Api(json_output=json_output)
    found = api.get(f"/v1/accounts/{account}/budget", playbook=playbook)
    lines = [f"{one['name']:<24} {_channel(row)}" for one in found["contacts"] for row in one["channels"] if _says_something(row)]
    lines += [f"{'the account':<24} {_channel(row)}" for row in found["together"] if _says_something(row)]
    lines += [f"{row['playbook']} · {row['step']} ({row['run']}) {row['why']}" for row in found["waiting"]]
    api.show(found, lines or ["Nobody was written to lately, and nothing limits how often."])


def default(json_output: JsonFlag = False) -> None:
    """Show the budgets that hold for every playbook without its own."""
    api = Api(json_output=json_output)
    found = api.get("/v1/budget")
    api.show(found, _lines(found))


def set_default(
    email: Annotated[str | None, typer.Option(help="Such as '3 per 14 days'; left out, e-mails have no limit.")] = None,
    sms: Annotated[str | None, typer.Option(help="Such as '1 per week'; left out, text messages have no limit.")] = None,
    per: Annotated[str, typer.Option(help="contact, or account for all its contacts together.")] = "contact",
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Set the budgets that hold for every playbook without its own, all channels at once."""
    api = Api(actor=actor, json_output=json_output)
    body = {name: value for name, value in {"email": email, "sms": sms, "per": per}.items() if value is not None}
    found = api.send("PUT", "/v1/budget", json=body)
    api.show(found, _lines(found))


def _lines(found: JsonTree) -> list[str]:
    lines = [f"{channel:<6} {found[channel]} per {found['per']}" for channel in ("email", "sms") if found[channel]]
    return lines or ["Nothing limits how often people are written to."]


def _says_something(row: JsonTree) -> bool:
    return bool(row["had"] or row["budget"])


def _channel(row: JsonTree) -> str:
    if row["budget"] is None:
        return f"{row['channel']:<6} {row['had']} since {short_time(row['since'])}, no limit"
    frees = f", one more from {short_time(row['frees_at'])}" if row["frees_at"] else ""
    return f"{row['channel']:<6} {row['had']} of {row['budget']}, {row['left']} left{frees}"
