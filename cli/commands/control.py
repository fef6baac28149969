from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, ReasonOption, RunArgument, read_pairs


def register(app: typer.Typer) -> None:
    """Add the commands that tell plays something."""
    for command in (pause, resume, cancel, retry, skip, edit, undo):
        app.command()(command)


StepArgument = Annotated[str, typer.Argument(help="The step's key; `playkeeper run` shows them.")]


def pause(play: RunArgument, reason: ReasonOption = None, actor: ActorOption = "", json_output: JsonFlag = False) -> None:
    """Hold a play before its next step."""
    _tell(Api(actor=actor, json_output=json_output), f"/v1/runs/{play}/pause", {"reason": reason})


def resume(play: RunArgument, reason: ReasonOption = None, actor: ActorOption = "", json_output: JsonFlag = False) -> None:
    """Let a paused play go on."""
    _tell(Api(actor=actor, json_output=json_output), f"/v1/runs/{play}/resume", {"reason": reason})


def cancel(
    play: RunArgument,
    undo: Annotated[bool, typer.Option("--undo", help="Also take back what it did.")] = False,
    reason: ReasonOption = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """End a play now."""
    _tell(Api(actor=actor, json_output=json_output), f"/v1/runs/{play}/cancel", {"undo": undo, "reason": reason})


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
    play: Annotated[str | None, typer.Argument(help="The play's id.")] = None,
    launch: Annotated[str | None, typer.Option(help="Undo every play of this launch instead.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what people changed since.")] = False,
    reason: ReasonOption = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Take back what a play did, under way or ended; or what a whole launch did."""
    if (play is None) == (launch is None):
        raise typer.BadParameter("name a play, or a launch with --launch", param_hint="PLAY")
    api = Api(actor=actor, json_output=json_output)
    body = {"force": force, "reason": reason}
    if play is not None:
        _tell(api, f"/v1/runs/{play}/undo", body)
        return
    answer = api.post(f"/v1/launches/{launch}/undo", body)
    lines = [f"{answer['undoing']} plays are undone, {answer['nothing']} had nothing left to take back"]
    api.show(answer, lines + [f"  {one['account']}: {one['detail']} [{one['code']}]" for one in answer["refused"]])


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
