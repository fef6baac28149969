from __future__ import annotations

from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, read_pairs
from cli.commands.start import read_value


def register(app: typer.Typer) -> None:
    """Add the commands of the inbox."""
    for command in (inbox, approve, answer, complete):
        app.command()(command)


ItemArgument = Annotated[str, typer.Argument(help="The item's id; `playkeeper inbox` lists them.")]


def inbox(
    owner: Annotated[str | None, typer.Option(help="Only what waits for this person.")] = None,
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    play: Annotated[str | None, typer.Option(help="Only of this play.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    json_output: JsonFlag = False,
) -> None:
    """List what waits for people, and why."""
    api = Api(json_output=json_output)
    items = api.pages("/v1/tasks", most, owner=owner, account=account, run=play)
    columns = {"id": "item", "kind": "kind", "title": "what", "why": "why", "owner": "owner", "account": "account", "due_at": "due"}
    api.show_table(items, columns, "Nothing waits.")


def approve(
    item: ItemArgument,
    no: Annotated[bool, typer.Option("--no", help="Reject instead.")] = False,
    comment: Annotated[str | None, typer.Option(help="A word to go with it.")] = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Approve, or with --no reject."""
    answers: dict[str, JsonTree] = {"approved": not no}
    if comment is not None:
        answers["comment"] = comment
    _answer(Api(actor=actor, json_output=json_output), item, answers)


def answer(
    item: ItemArgument,
    fields: Annotated[list[str], typer.Option("--field", "-f", help="name=value of the form; for a held step decision=retry|skip|undo.")],
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Answer a question, or decide on a held step."""
    api = Api(actor=actor, json_output=json_output)
    _answer(api, item, _read_form(api, item, read_pairs(fields, "--field")))


def complete(
    item: ItemArgument,
    outcome: Annotated[str | None, typer.Option(help="What came of it.")] = None,
    fields: Annotated[list[str] | None, typer.Option("--field", "-f", help="name=value of the task's form.")] = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Mark a task as done."""
    api = Api(actor=actor, json_output=json_output)
    answers = _read_form(api, item, read_pairs(fields or [], "--field"))
    done = api.post(f"/v1/tasks/{item}/complete", {"outcome": outcome, "answers": answers})
    api.show(done, [f"done: {done['task']['title']}"])


def _answer(api: Api, item: str, answers: dict[str, JsonTree]) -> None:
    done = api.post(f"/v1/tasks/{item}/answer", {"answers": answers})
    said = (done["answer"] or {}).get("message") or done["task"]["status"]
    api.show(done, [f"{said}: {done['task']['title']}"])


def _read_form(api: Api, item: str, given: dict[str, str]) -> dict[str, JsonTree]:
    if not given:
        return {}
    task = api.get(f"/v1/tasks/{item}")
    form = {field["name"]: field for field in task["form"]}
    kinds = {"approved": "bool"} if task["kind"] in ("approval", "review") else {}
    return {
        name: read_value(form.get(name, {}).get("type") or kinds.get(name, "text"), value, form.get(name, {}).get("item"))
        for name, value in given.items()
    }
