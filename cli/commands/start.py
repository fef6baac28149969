from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, fail, read_pairs
from cli.launching import Asked, problem_lines, show_preview


def register(app: typer.Typer) -> None:
    """Add `playkeeper start`."""
    app.command()(start)


def start(
    playbook: Annotated[str, typer.Argument(help="The playbook's slug.")],
    account: Annotated[list[str] | None, typer.Option("--account", "-a", help="An account's id; several times for several.")] = None,
    accounts: Annotated[Path | None, typer.Option(help="A file with one account id a line.")] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", help="A CSV file with the column account, and columns called like the playbook's inputs.")
    ] = None,
    inputs: Annotated[list[str] | None, typer.Option("--input", "-i", help="name=value, as the playbook's form asks for.")] = None,
    key: Annotated[str | None, typer.Option(help="What this is about, such as an invoice; the same key again is the same play.")] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="A rule to leave aside for a list: audience, again, suppress, holdout, limits.")
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show who would enter, and who not and why; without accounts, of the whole audience.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="With --preview: write every account with what would become of it to this CSV file.")
    ] = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Start a playbook on one account, or on a list of them as one launch; or look first with --preview."""
    named = list(account or []) + (_read_accounts(accounts) if accounts else [])
    if not named and table is None and not preview:
        raise typer.BadParameter("name an account with --account, or a file of them with --accounts or --csv", param_hint="--account")
    if named and table is not None:
        raise typer.BadParameter("name accounts or a CSV file, not both", param_hint="--csv")
    api = Api(actor=actor, json_output=json_output)
    given = read_inputs(api, playbook, read_pairs(inputs or [], "--input"))
    asked = Asked(playbook, named, table, given, key, ignore or [])
    if preview:
        show_preview(api, asked, out)
    elif table is not None:
        launch = asked.send_file(api, "/v1/launches/csv")
        api.show(launch, _lines(launch))
    elif len(named) == 1 and accounts is None:
        run = api.post("/v1/runs", {"playbook": playbook, "account": named[0], "inputs": given, "key": key})
        api.show(run, [f"{run['id']}  {run['playbook']} v{run['version']} on {run['account']}: {run['state']}", f"  {run['temporal_url']}"])
    else:
        launch = api.post("/v1/launches", asked.body())
        api.show(launch, _lines(launch))


def read_inputs(api: Api, playbook: str, given: dict[str, str]) -> dict[str, JsonTree]:
    """Turn texts of the command line into what the playbook's form wants."""
    if not given:
        return {}
    form = {field["name"]: field for field in api.get(f"/v1/playbooks/{playbook}")["inputs"]}
    return {
        name: read_value(form.get(name, {}).get("type", "text"), value, form.get(name, {}).get("item")) for name, value in given.items()
    }


def read_value(kind: str, text: str, item: str | None = None) -> JsonTree:
    """Give a text as JSON of this type; what does not fit goes as it is, and the API says what is wrong."""
    if kind == "list":
        return [read_value(item or "text", part.strip()) for part in text.split(",") if part.strip()]
    try:
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text)
    except ValueError:
        return text
    if kind == "bool" and text.lower() in ("true", "yes", "false", "no"):
        return text.lower() in ("true", "yes")
    return text


def _read_accounts(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {error}")
    return [line.split(",")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def _lines(launch: JsonTree) -> list[str]:
    if launch["status"] != "done":
        waits = f", {launch['queued']} wait" if launch["queued"] else ""
        head = f"launch {launch['id']}: {launch['status']}, {launch['expected']} accounts, {len(launch['started'])} started{waits}"
        lines = [head, f"  playkeeper launch {launch['id']} says how far it is"]
    else:
        there, refused = len(launch["existing"]), len(launch["refused"]) + len(launch["problems"])
        lines = [f"launch {launch['id']}: {len(launch['started'])} started, {there} were there, {refused} refused"]
    lines += [f"  {run['id']}  {run['account']}" for run in launch["started"][:20]]
    lines += [f"  … and {len(launch['started']) - 20} more" for _ in [0] if len(launch["started"]) > 20]
    lines += [f"  {run['id']}  {run['account']}: is in this play already" for run in launch["existing"][:20]]
    lines += [f"  {one['account']}: {one['detail']} [{one['code']}]" for one in launch["refused"][:50]]
    return lines + problem_lines(launch)
