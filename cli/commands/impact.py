from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag, JsonTree, short_time

_UNITS = {"share": (100, " %", 1), "money": (1, "", 0), "points": (1, "", 1), "logins": (1, "", 1)}


def register(app: typer.Typer) -> None:
    """Add `playkeeper impact`, `playkeeper power` and `playkeeper revenue-at-risk`."""
    app.command()(impact)
    app.command()(power)
    app.command("revenue-at-risk")(revenue_at_risk)


def impact(
    playbook: Annotated[str | None, typer.Argument(help="The playbook's slug; without it all playbooks on one page.")] = None,
    look: Annotated[bool, typer.Option("--look", help="Take the planned look that is due; what it finds is kept.")] = False,
    hour: Annotated[float | None, typer.Option(help="What an hour of a person's work costs.")] = None,
    minutes_per_task: Annotated[float | None, typer.Option(help="How long a task takes.")] = None,
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Tell what a playbook changed, against those it left alone."""
    from urllib.parse import quote

    api = Api(actor=actor, json_output=json_output)
    if playbook is None:
        page = api.get("/v1/analytics/impact", hour=hour, minutes_per_task=minutes_per_task)
        api.show(page, _page(page))
        return
    path = f"/v1/playbooks/{quote(playbook, safe='')}/impact"
    if look:
        api.post(f"{path}/looks")
    found = api.get(path, hour=hour, minutes_per_task=minutes_per_task)
    api.show(found, impact_lines(found))


def power(
    playbook: Annotated[str, typer.Argument(help="The playbook's slug.")],
    share: Annotated[float | None, typer.Option(help="Held out, 0 to 1; else as the playbook says.")] = None,
    days: Annotated[float | None, typer.Option(help="How long each account is watched; else as the playbook says.")] = None,
    base_rate: Annotated[
        float | None, typer.Option(help="Lost in that time without the playbook, 0 to 1; else as seen, or as a model predicted.")
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """Tell, before a launch, which effect its accounts could show."""
    from urllib.parse import quote

    api = Api(json_output=json_output)
    found = api.get(f"/v1/playbooks/{quote(playbook, safe='')}/power", share=share, days=days, base_rate=base_rate)
    api.show(found, power_lines(found))


def revenue_at_risk(
    by: Annotated[str, typer.Option(help="segment, tier or level.")] = "segment",
    json_output: JsonFlag = False,
) -> None:
    """Show the yearly revenue that is expected to be lost, with its interval."""
    api = Api(json_output=json_output)
    found = api.get("/v1/analytics/revenue-at-risk", by=by)
    api.show(found, _risk_lines(found))


def impact_lines(found: JsonTree) -> Iterator[str]:
    """Give the lines of an answer of `GET /v1/playbooks/{slug}/impact`."""
    yield f"{found['title']} ({found['playbook']}): {found['verdict'].replace('_', ' ')}"
    yield from (f"  {line}" for line in found["words"])
    for name, arm in found["arms"].items():
        yield f"  {name:<8} {arm['drawn']} drawn, {arm['matured']} whose time is over, {arm['played']} played"
    if found["measures"]:
        yield "  measure     played            left alone        difference (95 %)"
    yield from (f"  {_measure(each)}" for each in found["measures"])
    if found["power"]:
        yield f"  {found['power']['words']}"
    if found["plan"]:
        yield f"  {_plan(found['plan'])}"
    if found["money"]:
        yield from (f"  {line}" for line in _money(found["money"]))


def power_lines(found: JsonTree) -> Iterator[str]:
    """Give the lines of an answer of `GET /v1/playbooks/{slug}/power`."""
    yield f"{found['playbook']} v{found['version']}: {found['eligible']} accounts in the audience"
    yield f"  {found['share']:.0%} held out: {found['treated']} played, {found['control']} left alone, watched {found['watched']}"
    yield from (f"  {line}" for line in found["words"])
    for each in found["at_base_rates"]:
        yield f"  at a base rate of {each['base_rate']:.0%} the smallest that could be seen: {_reduction(each['smallest_reduction'])}"
    for each in found["needed"]:
        yield f"  to see {each['reduction']:.0%} fewer losses: {each['per_arm']:,} an arm, or {each['in_all']:,} in all at this share"


def _reduction(share: float | None) -> str:
    return "none can be told from chance" if share is None else f"{share:.0%} fewer losses"


def _page(found: JsonTree) -> Iterator[str]:
    yield from found["words"]
    for each in found["playbooks"]:
        net = f", net {_range(each['net'], 'money')} {found['currency']} a year" if each["net"] else ""
        yield f"  {each['playbook']}: {each['verdict'].replace('_', ' ')} ({each['treated']} played, {each['control']} left alone{net})"
    if found["without_holdout"]:
        yield f"  without a holdout: {', '.join(found['without_holdout'])}"


def _measure(each: JsonTree) -> str:
    sides = (f"{_figure(side['value'], each['unit'])} of {side['accounts']}" for side in (each["treated"], each["control"]))
    first, second = sides
    mark = "  decides" if each["decides"] else ""
    return f"{each['measure']:<11} {first:<17} {second:<17} {_range(each['effect'], each['unit'])}{mark}"


def _plan(plan: JsonTree) -> str:
    said = f"looks: {len(plan['taken'])} taken of {plan['looks']}, every {plan['every_days']} days"
    if plan["due"]:
        return f"{said}; look {plan['next_look']} is due (--look takes it)"
    return f"{said}; the next on {short_time(plan['next_at'])}" if plan["next_at"] else said


def _money(money: JsonTree) -> Iterator[str]:
    yield f"in {money['currency']}, of those played whose time is over (they paid {money['treated_arr']:,.0f} a year)"
    for name in ("saved", "expanded", "net", "cost"):
        yield f"  {name:<9} {_range(money[name], 'money')}"
    if money["roi"]:
        yield f"  return    {_range(money['roi'], 'points')} times what it cost"
    yield from (f"  assumed: {line}" for line in money["assumptions"])


def _risk_lines(found: JsonTree) -> Iterator[str]:
    for each in [found["total"], *found["groups"]]:
        share = "" if each["share"] is None else f", {each['share']:.1%} of {each['arr']:,.0f}"
        yield f"{each['group']:<16} {_range(each['at_risk'], 'money')} {found['currency']} a year ({each['accounts']} accounts{share})"
        for name in ("by_model", "by_stand_in"):
            part = each[name]
            if part["accounts"] and each["by_stand_in"]["accounts"]:
                figure = f"{_range(part['at_risk'], 'money')}, {part['accounts']} accounts"
                yield f"  {name.replace('_', ' ')}: {figure} with {part['arr']:,.0f}"
    yield from found["words"]
    yield from (f"left out: {count} accounts, {why.replace('_', ' ')}" for why, count in found["left_out"].items())
    yield from (f"assumed: {line}" for line in found["assumptions"])


def _range(estimate: JsonTree, unit: str) -> str:
    if estimate["value"] is None:
        return "unknown"
    if estimate["low"] is None and estimate["high"] is None:
        return f"{_figure(estimate['value'], unit)} (interval unknown)"
    low, high = (_figure(estimate[side], unit) for side in ("low", "high"))
    return f"{_figure(estimate['value'], unit)} ({low} to {high})"


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "unknown"
    times, sign, digits = _UNITS[unit]
    # Adding 0 turns the -0 of what rounds to nothing into 0.
    return f"{round(value * times, digits) + 0.0:,.{digits}f}{sign}"
