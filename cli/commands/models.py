from __future__ import annotations

from typing import Annotated, Literal

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, short_time
from cli.jobs import wait_for

Target = Annotated[Literal["churn", "expansion"], typer.Argument(help="What is predicted.")]
Because = Annotated[str, typer.Option("--because", help="Why; it is kept in the audit.")]
_FIGURES = {"auc": "AUC", "pr_auc": "PR-AUC", "brier_skill": "Brier skill", "ece": "ECE", "recall_at_fpr5": "recall at FPR 5 %"}


def register(app: typer.Typer) -> None:
    """Add `playkeeper model` with its parts."""
    model = typer.Typer(help="The models behind risk and expansion: train, compare, promote, go back.", no_args_is_help=True)
    model.command("list")(list_models)
    model.command("show")(show)
    model.command("train")(train)
    model.command("promote")(promote)
    model.command("rollback")(rollback)
    model.command("clear")(clear)
    model.command("drift")(drift)
    model.command("night")(night)
    model.command("backfill")(backfill)
    app.add_typer(model, name="model")


def list_models(
    target: Target = "churn", limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20, json_output: JsonFlag = False
) -> None:
    """List the models of a target, the newest first."""
    api = Api(json_output=json_output)
    found = api.pages(f"/v1/models/{target}", limit)
    api.show(found, [line for row in found for line in _lines(row)] or [f"No model for {target} was trained yet."])


def show(
    target: Target, version: Annotated[int, typer.Argument(help="The model's version.", min=1)], json_output: JsonFlag = False
) -> None:
    """Show a model with its card."""
    api = Api(json_output=json_output)
    found = api.get(f"/v1/models/{target}/{version}")
    api.show(found, [*_lines(found), "", found["card"]])


def train(
    target: Target,
    hold: Annotated[bool, typer.Option("--hold", help="Keep the model in shadow whatever the gates say.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the end.")] = False,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Train a model now; it is promoted only when it passes every gate."""
    api = Api(actor=actor, json_output=json_output)
    started = api.post(f"/v1/models/{target}/train", {"hold": hold})
    if no_wait:
        api.show(started, [f"The training is under way: {started['link']}"])
        return
    ended = wait_for(api, started)
    result = ended["result"] or {}
    if ended["status"] != "completed":
        api.show(ended, [f"The training {ended['status']}: {ended['error'] or started['link']}"])
        raise typer.Exit(1)
    name = f"{target}-{result['version']}" if result.get("version") else f"no model for {target}"
    api.show(result, [f"{name}: {result['status']}. {result['why']}", *(f"  {each}" for each in result["blocked"])])


def promote(
    target: Target,
    version: Annotated[int, typer.Argument(help="The model's version.", min=1)],
    because: Because,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Let a model score that is kept in shadow."""
    api = Api(actor=actor, json_output=json_output)
    found = api.post(f"/v1/models/{target}/{version}/promote", {"because": because})
    api.show(found, _lines(found))


def rollback(target: Target, because: Because, actor: ActorOption = "", json_output: JsonFlag = False) -> None:
    """Let the champion before this one score again, at once."""
    api = Api(actor=actor, json_output=json_output)
    found = api.post(f"/v1/models/{target}/rollback", {"because": because})
    api.show(found, _lines(found))


def clear(
    target: Target,
    version: Annotated[int, typer.Argument(help="The model's version.", min=1)],
    feature: Annotated[str, typer.Argument(help="The feature under suspicion.")],
    because: Because,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Say that a feature which alone tells nearly everything is no leak."""
    api = Api(actor=actor, json_output=json_output)
    found = api.post(f"/v1/models/{target}/{version}/clear", {"feature": feature, "because": because})
    api.show(found, [f"{feature} is cleared in {target}-{version}; train again, or promote it by hand."])


def drift(
    target: Target = "churn",
    now: Annotated[bool, typer.Option("--now", help="Report on the last month first.")] = False,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Show what changed against what the champion learned from, the newest month first."""
    api = Api(actor=actor, json_output=json_output)
    if now:
        ended = wait_for(api, api.post(f"/v1/models/{target}/drift"))
        if ended["status"] != "completed":
            api.show(ended, [f"The report {ended['status']}: {ended['error']}"])
            raise typer.Exit(1)
    found = api.get(f"/v1/models/{target}/drift")
    lines = [
        f"{row['month'][:7]}  {target}-{row['model_version']}  {row['alarms']} alarms  {row['report'].get('words', '')}" for row in found
    ]
    api.show(found, lines or [f"There is no drift report for {target} yet."])


def night(
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the end.")] = False,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Score every account now, as every night does."""
    api = Api(actor=actor, json_output=json_output)
    _follow(api, api.post("/v1/scoring/night"), no_wait=no_wait)


def backfill(
    months: Annotated[int, typer.Option(min=1, max=120, help="How many months back, this one among them.")] = 24,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the end.")] = False,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Keep the features of past months, as they were known then, for models to learn from."""
    api = Api(actor=actor, json_output=json_output)
    _follow(api, api.post("/v1/scoring/backfill", {"months": months}), no_wait=no_wait)


def _follow(api: Api, started: JsonTree, *, no_wait: bool) -> None:
    if no_wait:
        api.show(started, [f"It is under way: {started['link']}"])
        return
    ended = wait_for(api, started)
    if ended["status"] != "completed":
        api.show(ended, [f"It {ended['status']}: {ended['error'] or started['link']}"])
        raise typer.Exit(1)
    api.show(ended, [f"{ended['result']['accounts']} accounts, as of {short_time(ended['result']['as_of'])}"])


def _lines(row: JsonTree) -> list[str]:
    metrics = row["metrics"]
    head = f"{row['target']}-{row['version']}  {row['status']}  {row['algorithm']}  trained {short_time(row['trained_at'])}"
    lines = [head]
    if metrics:
        share = f"base rate {metrics['base_rate']:.3f}, {metrics['accounts']} accounts, {metrics['positives']} cases"
        found = {words: metrics["figures"][name] for name, words in _FIGURES.items() if name in metrics["figures"]}
        lines.append("  " + ", ".join([*(f"{words} {_figure(each)}" for words, each in found.items()), share]))
    return [*lines, *(f"  blocked: {gate['why']}" for gate in row["gates"] if not gate["passed"])]


def _figure(figure: JsonTree) -> str:
    if figure["value"] is None:
        return "not to be said"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
