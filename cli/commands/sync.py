from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, Refused, short_time
from cli.commands.connectors import VendorArgument

_COUNTS = ("read", "created", "changed", "unchanged", "unmatched", "failed", "skipped")
_PAUSE_S = 1.0


def register(app: typer.Typer) -> None:
    """Add `playkeeper sync` and its relatives."""
    app.command()(sync)
    app.command(name="sync-reports")(reports)
    app.command(name="sync-failures")(failures)
    app.command(name="sync-mapping")(mapping)


def sync(
    vendor: VendorArgument,
    from_start: Annotated[bool, typer.Option("--from-start", help="Read every record again, also those that did not change.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the end.")] = False,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Bring a vendor's records in now: what changed since the last sync."""
    api = Api(actor=actor, json_output=json_output)
    known = {report["id"] for report in api.get(f"/v1/connectors/{vendor}/sync/reports", limit=5)["items"]}
    started = api.post(f"/v1/connectors/{vendor}/sync", {"from_start": from_start})
    if no_wait:
        api.show(started, [f"The sync of {vendor} is under way: {started['link']}"])
        return
    while True:
        time.sleep(_PAUSE_S)
        newest = api.get(f"/v1/connectors/{vendor}/sync/reports", limit=1)["items"]
        if newest and newest[0]["id"] not in known and newest[0]["status"] != "running":
            break
    api.show(newest[0], _lines(newest[0]))
    if newest[0]["status"] == "failed":
        raise typer.Exit(1)


def _lines(report: JsonTree) -> list[str]:
    lines = [f"{report['vendor']}: {report['status']}, {short_time(report['started_at'])} to {short_time(report['ended_at'])}"]
    for kind, counts in report["counts"].items():
        lines.append(f"  {kind}: " + ", ".join(f"{counts[name]} {name}" for name in _COUNTS if counts[name] or name == "read"))
    lines += [f"  left alone: {each['count']} x {each['kind']} {each['field']}: {each['why']}" for each in report["skipped"]]
    return [*lines, f"  {report['error']}"] if report["error"] else lines


def reports(
    vendor: VendorArgument, limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20, json_output: JsonFlag = False
) -> None:
    """List the syncs of a vendor, the newest first."""
    api = Api(json_output=json_output)
    found = api.pages(f"/v1/connectors/{vendor}/sync/reports", limit)
    api.show(found, [line for report in found for line in _lines(report)] or [f"{vendor} was never synced."])


def failures(
    vendor: VendorArgument,
    retry: Annotated[str | None, typer.Option(help="Try this record again now: its id, or `all`.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """List the records of a vendor that could not be taken in, or try them again."""
    api = Api(actor=actor, json_output=json_output)
    path = f"/v1/connectors/{vendor}/sync/failures"
    if retry is None:
        columns = {"id": "id", "kind": "kind", "external_id": "their id", "reason": "reason", "why": "why", "attempts": "attempts"}
        api.show_table(api.pages(path, limit), columns, "Nothing is queued.")
        return
    ids = [row["id"] for row in api.pages(path, limit)] if retry == "all" else [retry]
    answers = [{"id": each, **_retried(api, f"{path}/{each}/retry", one=retry != "all")} for each in ids]
    api.show_table(answers, {"id": "id", "taken": "taken in", "why": "why not"}, "Nothing is queued.")


def _retried(api: Api, path: str, *, one: bool) -> JsonTree:
    if one:
        return api.post(path)
    try:
        return api.ask("POST", path)
    except Refused as refused:
        return {"taken": False, "why": str(refused)}


def mapping(
    vendor: VendorArgument,
    file: Annotated[Path | None, typer.Argument(help="The mapping to use from now on.", exists=True, dir_okay=False)] = None,
    shipped: Annotated[bool, typer.Option("--shipped", help="Go back to the mapping that comes with the connector.")] = False,
    every_min: Annotated[int | None, typer.Option(min=0, help="Minutes between two syncs; 0 syncs only when asked.")] = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Show what becomes of a vendor's records, or change it."""
    api = Api(actor=actor, json_output=json_output)
    changes: dict[str, object] = {} if every_min is None else {"every_min": every_min}
    if file is not None or shipped:
        changes["mapping"] = file.read_text(encoding="utf-8") if file is not None else None
    path = f"/v1/connectors/{vendor}/sync"
    answer = api.send("PUT", path, json=changes) if changes else api.get(path)
    head = (
        f"# {vendor}, {'as shipped' if answer['shipped'] else 'your own'}; every {answer['every_min']} minutes, {answer['queued']} queued"
    )
    api.show(answer, [head, answer["mapping"] or "# there is no mapping"])
