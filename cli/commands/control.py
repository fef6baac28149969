from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, ReasonOption, RunArgument, read_pairs
from cli.many import LaunchOption, PlayArgument, PlaybookOption, Target, VersionOption, YesFlag, show_report


def register(app: typer.Typer) -> None:
    """Add the commands that tell plays something."""
    for command in (pause, resume, cancel, retry, skip, edit, undo):
        app.command()(command)


StepArgument = Annotated[str, typer.Argument(help="The step's key; `playkeeper run` shows them.")]


def pause(
    play: PlayArgument = None,
    launch: LaunchOption = None,
    playbook: PlaybookOption = None,
    version: VersionOption = None,
    yes: YesFlag = False,
    reason: ReasonOption = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Hold a play before its next step; or a whole launch, or every play of a playbook or version."""
    which = Target(play, launch, playbook, version)
    which.tell(Api(actor=actor, json_output=json_output), "pause", {"reason": reason}, yes=yes)


def resume(
    play: PlayArgument = None,
    launch: LaunchOption = None,
    playbook: PlaybookOption = None,
    version: VersionOption = None,
    yes: YesFlag = False,
    reason: ReasonOption = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Let a paused play go on; or a launch that is paused or halted, or every play of a playbook or version."""
    which = Target(play, launch, playbook, version)
    which.tell(Api(actor=actor, json_output=json_output), "resume", {"reason": reason}, yes=yes)


def cancel(
    play: PlayArgument = None,
    undo: Annotated[bool, typer.Option("--undo", help="Also take back what it did.")] = False,
    launch: LaunchOption = None,
    playbook: PlaybookOption = None,
    version: VersionOption = None,
    yes: YesFlag = False,
    reason: ReasonOption = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """End a play now; or a launch with all who wait, or every play of a playbook or version."""
    which = Target(play, launch, playbook, version)
    which.tell(Api(actor=actor, json_output=json_output), "cancel", {"undo": undo, "reason": reason}, yes=yes)


def retry(
    play: RunArgument, step: StepArgument, reason: ReasonOption = None, actor: ActorOption = "", json_output: JsonFlag = False
) -> None:
    """Try a held step again; of a play that has ended, go on from this step."""
    api = Api(actor=actor, json_output=json_output)
    if api.get(f"/v1/runs/{play}")["state"] == "closed":
        _tell(api, f"/v1/runs/{play}/retry", {"from": step, "reason": reason})
    else:
        _tell(api, f"/v1/runs/{play}/steps/{_quoted(step)}/retry", {"reason": reason})


def skip(
    play: RunArgument, step: StepArgument, reason: ReasonOption = None, actor: ActorOption = "", json_output: JsonFlag = False
) -> None:
    """Go on without a step."""
    _tell(Api(actor=actor, json_output=json_output), f"/v1/runs/{play}/steps/{_quoted(step)}/skip", {"reason": reason})


def edit(
    play: RunArgument,
    step: StepArgument,
    inputs: Annotated[list[str], typer.Option("--input", "-i", help="name=value; JSON values are read as such.")],
    reason: ReasonOption = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Try a held step again with other inputs."""
    changed = {name: json_or_text(value) for name, value in read_pairs(inputs, "--input").items()}
    _tell(Api(actor=actor, json_output=json_output), f"/v1/runs/{play}/steps/{_quoted(step)}/edit", {"inputs": changed, "reason": reason})


def undo(
    play: PlayArgument = None,
    launch: LaunchOption = None,
    playbook: PlaybookOption = None,
    version: VersionOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Of a launch, playbook or version: only show what would be taken back.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what people changed since.")] = False,
    yes: YesFlag = False,
    reason: ReasonOption = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Take back what a play did, under way or ended; or what a launch did, or every play of a playbook or version."""
    which, api = Target(play, launch, playbook, version), Api(actor=actor, json_output=json_output)
    if dry_run:
        show_report(api, which.look(api, force=force))
        return
    which.tell(api, "undo", {"force": force, "reason": reason}, yes=yes)


def _tell(api: Api, path: str, body: Mapping[str, object]) -> None:
    answer = api.post(path, body)
    api.show(answer, [f"{answer['message'] or answer['state']}"])


def _quoted(key: str) -> str:
    from urllib.parse import quote

    return quote(key, safe="")


def json_or_text(text: str) -> JsonTree:
    """Read a value of the command line as JSON, or else as the text it is."""
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text
