from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, short_time


def register(app: typer.Typer) -> None:
    """Add `playkeeper score` and `playkeeper risks`."""
    app.command()(score)
    app.command()(risks)


def score(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    target: Annotated[str, typer.Option(help="churn or expansion.")] = "churn",
    allow: Annotated[str, typer.Option(help="fresh, fallback or stale: which score is good enough.")] = "stale",
    anew: Annotated[bool, typer.Option("--anew", help="Compute it also when the one from before is fresh.")] = False,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Score an account now, and say why, and who says so."""
    api = Api(actor=actor, json_output=json_output)
    path = f"/v1/accounts/{quote(account, safe='')}/scores/{quote(target, safe='')}"
    answer = api.post(path, {"allow": allow, "anew": anew})
    api.show(answer, _lines(answer))


def risks(
    level: Annotated[str | None, typer.Option(help="Only low, medium or high.")] = None,
    min_score: Annotated[int | None, typer.Option(help="Only from this score on.")] = None,
    csm: Annotated[str | None, typer.Option(help="Only of this CSM.")] = None,
    sort: Annotated[str, typer.Option(help="What comes first: risk, or money.")] = "risk",
    most: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    json_output: JsonFlag = False,
) -> None:
    """List accounts by their risk of churn, or by the money at risk."""
    api = Api(json_output=json_output)
    columns = {
        "account": "account",
        "name": "name",
        "csm": "csm",
        "score": "risk",
        "level": "level",
        "money": "money at risk",
        "top_factors": "associated with",
        "model_version": "model",
        "as_of": "as of",
    }
    found = api.pages("/v1/risk-scores", most, level=level, min_score=min_score, csm=csm, sort=sort)
    rows = found if json_output else [row | {"money": _money(row)} for row in found]
    api.show_table(rows, columns, "No account has such a risk.")


def _money(row: JsonTree) -> str:
    return f"{row['money_at_risk']} {row['currency']} a year" if row["money_at_risk"] is not None else ""


def _lines(answer: JsonTree) -> list[str]:
    percent = f"{answer['probability'] * 100:.1f} %"
    lines = [f"{answer['account']}: {answer['target']} {answer['score']} ({answer['level']}), a probability of {percent}"]
    lines += [f"  {each['words']}" for each in answer["factors"]]
    kept = f", kept from {short_time(answer['scored_at'])}" if answer["source"] == "cached" else ""
    stale = ", stale" if answer["stale"] else ""
    lines.append(
        f"  by {answer['given_by']} {answer['model_version']} as of {short_time(answer['as_of'])}, "
        f"coverage {answer['coverage'] * 100:.0f} %{kept}{stale}"
    )
    lines += [f"  {each['link']} failed: {each['why']} [{each['code']}]" for each in answer["failed"]]
    code = f" [{answer['code']}]" if answer["code"] else ""
    return lines + ([f"  {answer['why']}{code}"] if answer["why"] else [])
