"""`playkeeper sweep` and `playkeeper schedules`: look at an audience now, or see when that happens by itself."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, ReasonOption, short_time

_PAUSE_S = 0.5

TriggerOption = Annotated[str | None, typer.Option(help="The id of the trigger; the playbook's first schedule without.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(sweep)
    app.command()(schedules)


def sweep(
    playbook: Annotated[str, typer.Argument(help="The playbook's slug.")],
    trigger: TriggerOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of each account, and change nothing.")] = False,
    backfill: Annotated[
        str | None, typer.Option(help="Make up for the turns missed since this moment, such as 2026-11-20T00:00:00Z.", show_default=False)
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the end.")] = False,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Look at every account of a playbook's audience now, and let in whom its rules let in."""
    api = Api(actor=actor, json_output=json_output)
    launch = _begin(api, playbook, trigger, backfill, dry_run=dry_run)
    if launch is None:
        return
    found = api.get(f"/v1/launches/{launch}")
    while not no_wait and found["ended_at"] is None:
        time.sleep(_PAUSE_S)
        found = api.get(f"/v1/launches/{launch}")
    api.show(found, launch_lines(found))
    if found["status"] == "failed":
        raise typer.Exit(1)


def _begin(api: Api, playbook: str, trigger: str | None, since: str | None, *, dry_run: bool) -> str | None:
    if since is None:
        return str(api.post(f"/v1/playbooks/{playbook}/sweep", {"trigger": trigger, "dry_run": dry_run})["launch"])
    if trigger is None:
        mine = [one["trigger"] for one in api.get("/v1/schedules") if one["playbook"] == playbook]
        if not mine:
            raise typer.BadParameter(f'"{playbook}" has no schedule', param_hint="PLAYBOOK")
        trigger = mine[0]
    done = api.post(f"/v1/schedules/{playbook}/{trigger}/backfill", {"since": since, "dry_run": dry_run})
    if done["launch"] is None:
        api.show(done, ["no turn was missed; nothing was begun"])
        return None
    if not api.json_output:
        typer.echo(f"{len(done['missed'])} turns were missed; one sweep makes up for them")
    return str(done["launch"])


def launch_lines(launch: JsonTree) -> list[str]:
    """Give a launch in words: how far it is, and what became of its accounts."""
    expected = launch["expected"]
    share = f" ({launch['share']:.0%} of {expected:,}), {launch['per_second']:,.0f} a second" if expected else ""
    what = "dry run" if launch["kind"] == "dry_run" else launch["kind"]
    lines = [f"{what} {launch['id']} of {launch['playbook']} v{launch['version']}: {launch['status']}"]
    lines.append(f"  {launch['accounts']:,} accounts looked at{share}")
    lines += [f"  {count:>9,}  {reason.replace('_', ' ')}" for reason, count in sorted(launch["counts"].items(), key=lambda each: -each[1])]
    return [*lines, f"  {launch['why']}"] if launch["why"] else lines


def schedules(
    pause: Annotated[str | None, typer.Option(help="Pause this one: PLAYBOOK/TRIGGER.")] = None,
    resume: Annotated[str | None, typer.Option(help="Resume this one: PLAYBOOK/TRIGGER.")] = None,
    reason: ReasonOption = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """List the schedules of playbooks with their next turns; or pause and resume one."""
    api = Api(actor=actor, json_output=json_output)
    for name, do in ((pause, "pause"), (resume, "resume")):
        if name is not None:
            changed = api.post(f"/v1/schedules/{name}/{do}", {"note": reason or ""})
            api.show(changed, _schedule_lines(changed))
            return
    found = api.get("/v1/schedules")
    api.show(found, [line for one in found for line in _schedule_lines(one)] or ["no published playbook has a schedule"])


def _schedule_lines(one: JsonTree) -> list[str]:
    state = f"paused ({one['note']})" if one["paused"] else f"next {short_time(one['next'][0])}" if one["next"] else one["note"] or "never"
    counts = f"came {one['turns']} times, {one['missed']} missed, {one['skipped']} skipped"
    return [f"{one['playbook']}/{one['trigger']}: {state}; {counts}"]
