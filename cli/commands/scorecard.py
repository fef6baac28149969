"""`playkeeper scorecard`: what health is made of, and the health of accounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, fail, print_table

if TYPE_CHECKING:
    from playbook_dsl.scorecard.compiler import CompiledCard

Files = Annotated[list[Path], typer.Argument(help="Scorecards.", show_default=False)]
NameOrFile = Annotated[str, typer.Argument(help="A scorecard's name, or a file that is tried without being kept.", show_default=False)]
Account = Annotated[str, typer.Argument(help="The account's id.", show_default=False)]
_YAML = {"Content-Type": "application/yaml"}


def register(app: typer.Typer) -> None:
    """Add `playkeeper scorecard` with its parts."""
    card = typer.Typer(help="Scorecards: what the health of accounts is made of.", no_args_is_help=True)
    card.command("check")(check)
    card.command("publish")(publish)
    card.command("list")(list_cards)
    card.command("show")(show)
    card.command("backtest")(backtest)
    card.command("lint")(lint)
    card.command("account")(account_health)
    card.command("override")(override)
    card.command("end-override")(end_override)
    app.add_typer(card, name="scorecard")


def check(files: Files, as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts and editors.")] = False) -> None:
    """Say everything that is wrong with scorecards, with its place; reads files only. Ends with 1 if there are errors."""
    from playbook_dsl.diagnostics import render_all

    found = [(file, _compiled(file)) for file in files]
    if as_json:
        shown = [
            {
                "file": str(file),
                "ok": one.card is not None,
                "scorecard": one.card.name if one.card else None,
                "diagnostics": [each.to_json() for each in one.diagnostics],
            }
            for file, one in found
        ]
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        for file, one in found:
            typer.echo(render_all(one.diagnostics, one.source), nl=False)
            if one.card is not None:
                measures = sum(1 for _ in one.card.measures())
                typer.echo(f"{file}: ok, {measures} measures in {len(one.card.groups)} groups")
    if any(one.card is None for _, one in found):
        raise typer.Exit(1)


def _compiled(file: Path) -> CompiledCard:
    from cli.workspace import NoSuchFile, catalog_for, read
    from playbook_dsl.scorecard.compiler import compile_scorecard

    try:
        return compile_scorecard(read(file), catalog_for(file).facts, path=str(file))
    except NoSuchFile as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


def publish(
    files: Files,
    draft: Annotated[bool, typer.Option("--draft", help="Only keep it; accounts are not scored by it yet.")] = False,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Check scorecards and make them the ones that accounts are scored by from the next night on."""
    api = Api(actor=actor, json_output=json_output)
    for file in files:
        answer = _send(api, "/v1/scorecards", _content(file), file.name, publish=str(not draft).lower())
        lines = [f"{answer['name']}: version {answer['version']} is {answer['status']}"]
        if answer["effect"] and answer["effect"]["changed"]:
            lines.append(f"  {answer['effect']['words']}")
        api.show(answer, lines + [f"  warning, line {one['line']}: {one['message']} [{one['code']}]" for one in answer["warnings"]])


def _content(file: Path) -> bytes:
    if not file.is_file():
        fail(f"there is no file {file}")
    return file.read_bytes()


def _send(api: Api, path: str, content: bytes, name: str, **query: object) -> JsonTree:
    return api.send("POST", path, content=content, headers=_YAML, params={**query, "path": name})


def list_cards(json_output: JsonFlag = False) -> None:
    """List scorecards, in the order in which they are asked whether an account is theirs (default comes last)."""
    api = Api(json_output=json_output)
    columns = {"name": "name", "version": "version", "status": "status", "created_by": "by", "published_at": "published"}
    api.show_table(api.pages("/v1/scorecards", 200), columns, "No scorecard is kept; the one that comes with the product is used.")


def show(
    name: Annotated[str, typer.Argument(help="The scorecard's name.", show_default=False)],
    version: Annotated[int | None, typer.Option(min=1, help="A version other than the published one.")] = None,
    json_output: JsonFlag = False,
) -> None:
    """Show a scorecard as its author wrote it."""
    api = Api(json_output=json_output)
    found = api.get(f"/v1/scorecards/{name}" + (f"/versions/{version}" if version is not None else ""))
    api.show(found, [f"# {found['name']}, version {found['version']}, {found['status']}", found["source"].rstrip("\n")])


def backtest(
    card: NameOrFile,
    months: Annotated[int, typer.Option(min=1, max=36, help="How far back.")] = 12,
    json_output: JsonFlag = False,
) -> None:
    """Try a scorecard on the past: what it would have said of accounts whose end is known."""
    api = Api(json_output=json_output)
    found = _of_name_or_file(api, card, "backtest", months=months)
    api.show(found, [found["words"]])
    if not json_output:
        print_table(
            [
                {"band": one["band"], "rows": one["rows"], "lost": one["churned"], "rate": _rate(one["rate"])}
                for one in found["bands"]
                if one["rows"]
            ],
            {"band": "band", "rows": "rows", "lost": "lost", "rate": "share that was lost (95 %)"},
        )
        for title, share in found["unknown"].items():
            typer.echo(f"not known then: {title}, in {share:.0%} of the rows")


def _rate(figure: JsonTree) -> str:
    return "" if figure["value"] is None else f"{figure['value']:.1%} ({figure['low']:.1%} to {figure['high']:.1%})"


def _of_name_or_file(api: Api, card: str, what: str, **query: object) -> JsonTree:
    path = Path(card)
    if path.suffix in (".yaml", ".yml"):
        return _send(api, f"/v1/scorecards/{what}", _content(path), path.name, **query)
    return api.get(f"/v1/scorecards/{card}/{what}", **query)


def lint(card: NameOrFile, json_output: JsonFlag = False) -> None:
    """Say what is hardly meant: bands no published playbook reaches, measures that are missing, weights that never matter."""
    api = Api(json_output=json_output)
    found = _of_name_or_file(api, card, "lint")
    lines = [f"{one['kind']}: {one['words']}" for one in found["remarks"]] or ["nothing to remark"]
    api.show(found, [*lines, f"({found['accounts']} accounts were looked at. {found['limits']})"])


def account_health(account: Account, json_output: JsonFlag = False) -> None:
    """Show the health of an account with every measure."""
    api = Api(json_output=json_output)
    found = api.get(f"/v1/accounts/{account}/health")
    said = found["override"]
    lines = [f"{account}: {found['words']}", f"{found['card']}, {found['coverage']:.0%} known"]
    if found["change"] is not None:
        lines.append(f"{found['change']:+g} points in {found['trend_days']} days")
    if said:
        lines.append(f"{said['by']} says {said['score']:g} until {said['until'][:10]}: {said['reason']}")
    api.show(found, lines)
    if not json_output:
        rows = [_row(measure) for group in found["groups"] for measure in group["measures"]]
        print_table(rows, {"title": "measure", "value": "value", "points": "points", "weight": "weight", "lost": "takes away"})


def _row(measure: JsonTree) -> JsonTree:
    return {**measure, "value": measure["shown"], "weight": f"{measure['weight']:.0%}", "lost": round(measure["lost"], 1)}


def override(
    account: Account,
    score: Annotated[float, typer.Argument(min=0, max=100, help="What it is instead.", show_default=False)],
    because: Annotated[str, typer.Option(help="Why; kept with your name.", show_default=False)],
    until: Annotated[str, typer.Option(help="The day on which it ends by itself, such as 2027-01-31.", show_default=False)],
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Let your word stand for the computed health of an account, until a day."""
    api = Api(actor=actor, json_output=json_output)
    end = until if "T" in until else f"{until}T00:00:00Z"
    found = api.send("PUT", f"/v1/accounts/{account}/health/override", json={"score": score, "reason": because, "until": end})
    api.show(found, [f"The health of {account} is {found['score']:g} until {found['until'][:10]}, says {found['by']}."])


def end_override(account: Account, actor: ActorOption = "", json_output: JsonFlag = False) -> None:
    """Let the computed health of an account count again."""
    api = Api(actor=actor, json_output=json_output)
    found = api.send("DELETE", f"/v1/accounts/{account}/health/override")
    api.show(found, [f"The computed health of {account} counts again."])
