from __future__ import annotations

import sys
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, read_pairs

VendorArgument = Annotated[str, typer.Argument(help="The connector's name; `playkeeper connectors` lists them.")]


def register(app: typer.Typer) -> None:
    """Add `playkeeper connectors`, `connect`, `disconnect` and `link`."""
    app.command()(connectors)
    app.command()(connect)
    app.command()(disconnect)
    app.command()(link)


def connectors(
    verify: Annotated[str | None, typer.Option(help="Ask this vendor whether its credentials still let us in.")] = None,
    json_output: JsonFlag = False,
) -> None:
    """List the vendors there are connectors for, and which are connected."""
    api = Api(json_output=json_output)
    if verify is not None:
        answer = api.post(f"/v1/connectors/{verify}/verify")
        api.show(answer, [f"{answer['title']} lets us in: {answer['account'] or answer['state']}"])
        return
    rows = [{**each, "limit": f"{each['per_hour']}/h, {each['burst']} at once"} for each in api.get("/v1/connectors")]
    columns = {"vendor": "name", "title": "vendor", "state": "state", "account": "account", "circuit": "circuit", "limit": "limit"}
    api.show_table(rows, columns, "There are no connectors.")


def connect(
    vendor: VendorArgument,
    plain: Annotated[list[str] | None, typer.Option("--set", "-s", help="name=value for what is no secret.")] = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Connect a vendor: asks for each credential, verifies them with the vendor and keeps them sealed.

    Secrets are asked for, or read line by line from a pipe, so that they are in no shell history.
    """
    api = Api(actor=actor, json_output=json_output)
    known = {each["vendor"]: each for each in api.get("/v1/connectors")}
    given: dict[str, object] = dict(read_pairs(plain or [], "--set"))
    for field in known[vendor]["credentials"] if vendor in known else []:
        if field["name"] not in given:
            answer = _asked(field["name"], field["help"], secret=field["secret"], required=field["required"])
            if answer:
                given[field["name"]] = answer
    saved = api.send("PUT", f"/v1/connectors/{vendor}", json={"credentials": given})
    api.show(saved, [f"{saved['title']} is connected: {saved['account']}"])


def _asked(name: str, help_text: str, *, secret: bool, required: bool) -> str:
    asked = f"{name} ({help_text.rstrip('.')})" if help_text else name
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return str(typer.prompt(asked, hide_input=secret, default=None if required else "", show_default=False)).strip()


def disconnect(vendor: VendorArgument, actor: ActorOption = "") -> None:
    """Forget the credentials of a vendor."""
    api = Api(actor=actor)
    api.send("DELETE", f"/v1/connectors/{vendor}")
    typer.echo(f"{vendor} is disconnected.")


def link(
    vendor: VendorArgument,
    kind: Annotated[str, typer.Argument(help="What it is in the vendor's words, such as `customer`.")],
    external_id: Annotated[str, typer.Argument(help="Its id there.")],
    account: Annotated[str, typer.Argument(help="Whose it is.")],
    actor: ActorOption = "",
) -> None:
    """Say which object of a vendor belongs to an account."""
    api = Api(actor=actor)
    api.post(f"/v1/connectors/{vendor}/links", {"kind": kind, "external_id": external_id, "account": account})
    typer.echo(f"{kind} {external_id} of {vendor} belongs to {account}.")
