from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.client import Api, JsonFlag, JsonTree, fail, short_time
from cli.many import show_report


def register(app: typer.Typer) -> None:
    """Add the commands that look at launches."""
    for command in (launches, launch, receipt):
        app.command()(command)


def launches(
    most: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    json_output: JsonFlag = False,
) -> None:
    """List launches, the newest first."""
    api = Api(json_output=json_output)
    columns = {
        "id": "launch",
        "playbook": "playbook",
        "status": "status",
        "why": "why",
        "accounts": "accounts",
        "waiting": "waiting",
        "started_by": "by",
        "started_at": "started",
    }
    api.show_table(api.pages("/v1/launches", most), columns, "There are no launches.")


def launch(
    launch_id: Annotated[str, typer.Argument(metavar="LAUNCH", help="The launch's id; `playkeeper launches` lists them.")],
    refused: Annotated[bool, typer.Option("--accounts", help="Also list its accounts with what was decided about them.")] = False,
    json_output: JsonFlag = False,
) -> None:
    """Show a launch: how far it is, what became of its accounts, where its plays stand."""
    api = Api(json_output=json_output)
    found = api.get(f"/v1/launches/{launch_id}")
    if refused:
        found["decided"] = api.pages(f"/v1/launches/{launch_id}/accounts", 1000)
    api.show(found, _lines(found))


def receipt(
    launch_id: Annotated[str | None, typer.Option("--launch", help="Of the undo of this launch.")] = None,
    job: Annotated[str | None, typer.Option(help="Of an undo of a playbook or version; its id was in the answer.")] = None,
    table: Annotated[Path | None, typer.Option("--csv", help="Write every line to this CSV file.")] = None,
    json_output: JsonFlag = False,
) -> None:
    """Show what an undo took back, effect by effect, and what it could not."""
    if (launch_id is None) == (job is None):
        raise typer.BadParameter("name a launch with --launch, or an undo with --job", param_hint="--launch")
    api = Api(json_output=json_output)
    path = f"/v1/launches/{launch_id}/undo" if launch_id else f"/v1/bulk/{job}/receipt"
    if table is not None:
        try:
            table.write_text(api.get(path, **{"as": "csv"}), encoding="utf-8")
        except OSError as error:
            fail(f"{table} cannot be written: {error}")
    show_report(api, api.get(path, limit=200))


def _lines(found: JsonTree) -> list[str]:
    lines = [f"launch {found['id']}: {found['playbook']} v{found['version']}, {found['status']}"]
    lines += [f"  {found['why']}" for _ in [0] if found["why"]]
    of = f" of {found['expected']:,}" if found["expected"] is not None else ""
    lines.append(
        f"  begun by {found['started_by'] or '?'} at {short_time(found['started_at'])}; {found['accounts']:,}{of} accounts decided about"
    )
    lines += [f"  {count:>7,}  {reason}" for reason, count in sorted(found["counts"].items(), key=lambda item: -item[1])]
    lines += [f"  {found['waiting']:,} wait to enter; wave {found['open_wave']} is open" for _ in [0] if found["waiting"]]
    states = ", ".join(f"{count} {state}" for state, count in found["states"].items())
    lines += [f"  plays: {states}" for _ in [0] if states]
    return lines + [f"  {one['account']}  {one['state']}: {one['reason']}  {one['detail']}" for one in found.get("decided", [])]
