"""Commands to a play, or to many at once: a launch, a playbook, a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from cli.client import Api, JsonTree, print_json, print_table

PlayArgument = Annotated[str | None, typer.Argument(help="The play's id; `playkeeper runs` lists them.")]
LaunchOption = Annotated[str | None, typer.Option(help="All plays of this launch instead; `playkeeper launches` lists them.")]
PlaybookOption = Annotated[str | None, typer.Option(help="All plays of this playbook instead.")]
VersionOption = Annotated[int | None, typer.Option(min=1, help="With --playbook: only those of this version.")]
YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="With --playbook: do not ask before many plays are told.")]


@dataclass(frozen=True)
class Target:
    """What a command is for: one play, a launch, or every play of a playbook or version."""

    play: str | None
    launch: str | None
    playbook: str | None
    version: int | None

    def __post_init__(self) -> None:
        """Refuse none and several; the command ends with 2."""
        if sum(one is not None for one in (self.play, self.launch, self.playbook)) != 1:
            raise typer.BadParameter("name a play, or a launch with --launch, or a playbook with --playbook", param_hint="PLAY")
        if self.version is not None and self.playbook is None:
            raise typer.BadParameter("--version goes with --playbook", param_hint="--version")

    def tell(self, api: Api, do: str, body: dict[str, JsonTree], *, yes: bool) -> None:
        """Tell it, and show the answer."""
        if self.play is not None:
            answer = api.post(f"/v1/runs/{self.play}/{do}", body)
            api.show(answer, [f"{answer['message'] or answer['state']}"])
        elif self.launch is not None:
            answer = api.post(f"/v1/launches/{self.launch}/{do}", body)
            api.show(answer, _undone(answer, self.launch) if do == "undo" else _told(answer))
        else:
            self._tell_many(api, do, body, yes=yes)

    def look(self, api: Api, *, force: bool) -> JsonTree:
        """Give what an undo would do."""
        if self.play is not None:
            raise typer.BadParameter("--dry-run is for a launch, a playbook or a version", param_hint="--dry-run")
        if self.launch is not None:
            return api.get(f"/v1/launches/{self.launch}/undo", force=force, limit=200)
        return api.get("/v1/runs/bulk/undo", playbook=self.playbook, version=self.version, force=force, limit=200)

    def _tell_many(self, api: Api, do: str, body: dict[str, JsonTree], *, yes: bool) -> None:
        command = {**body, "filter": {"playbook": self.playbook, "version": self.version}, "do": do}
        seen = api.post("/v1/runs/bulk", command)
        states = ", ".join(f"{count} {state}" for state, count in seen["states"].items())
        if not seen["total"]:
            api.show(seen, ["There are no such plays."])
            return
        if not yes and not typer.confirm(f"{do} {seen['total']} plays ({states})?"):
            raise typer.Exit(1)
        answer = api.post("/v1/runs/bulk", {**command, "dry_run": False, "token": seen["token"]})
        api.show(answer, _job_lines(answer["job"], answer["withdrawn"]))


def _told(answer: JsonTree) -> list[str]:
    launch = answer["launch"]
    head = f"launch {launch['id']}: {launch['status']}" + (f" ({launch['why']})" if launch["why"] else "")
    return [head, *(_job_lines(answer["job"], answer["withdrawn"]) if answer["job"] else [])]


def _undone(answer: JsonTree, launch: str) -> list[str]:
    lines = [f"{answer['undoing']} plays are undone, {answer['nothing']} had nothing left to take back"]
    lines += [f"{answer['withdrawn']} accounts were taken out of the queue" for _ in [0] if answer["withdrawn"]]
    lines += [f"  {one['account']}: {one['detail']} [{one['code']}]" for one in answer["refused"]]
    return [*lines, f"the receipt: playkeeper receipt --launch {launch}"]


def _job_lines(job: JsonTree, withdrawn: int) -> list[str]:
    lines = [f"{withdrawn} accounts were taken out of the queue"] if withdrawn else []
    lines.append(f"{job['total']} plays are told: {job['do']}")
    if job["do"] == "undo":
        lines.append(f"the receipt: playkeeper receipt --job {job['id']}")
    return lines


def show_report(api: Api, report: JsonTree) -> None:
    """Show receipts: what became of every effect, or what would."""
    if api.json_output:
        print_json(report)
        return
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report["counts"].items()) or "nothing was done that could be taken back"
    job = report["job"]
    far = f" ({job['status']}: {job['progress'].get('ended', 0)} of {job['total']} plays)" if job else " (nothing is undone yet)"
    typer.echo(counts + far)
    if report["items"]:
        shown = [one | {"changed": _changed(one)} for one in report["items"]]
        columns = {"account": "account", "step": "step", "action": "action", "outcome": "outcome", "detail": "why", "changed": "ours → now"}
        print_table(shown, columns)
    if report["next"]:
        typer.echo("… and more; --csv writes all of them to a file" if job else "… and more")


def _changed(one: JsonTree) -> str:
    return f"{one['field']}: {one['ours']} → {one['now']}" if one["field"] else ""
