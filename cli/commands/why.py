from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from cli.client import Api, JsonFlag, JsonTree, short_time

_MARKS = {"yes": "✓", "no": "✗", "waits": "…", "ignored": "-", "not_asked": " "}


def register(app: typer.Typer) -> None:
    """Add `playkeeper why`."""
    app.command()(why)


def why(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    playbook: Annotated[str, typer.Argument(help="The playbook's slug.")],
    key: Annotated[str | None, typer.Option(help="What it is about, where the playbook's `again` has a key.")] = None,
    json_output: JsonFlag = False,
) -> None:
    """Tell why an account is in a playbook, was, or never was: every rule with its value and its answer."""
    from urllib.parse import quote

    api = Api(json_output=json_output)
    found = api.get(f"/v1/playbooks/{quote(playbook, safe='')}/why/{quote(account, safe='')}", key=key)
    api.show(found, why_lines(found))


def why_lines(found: JsonTree) -> Iterator[str]:
    """Give the lines of an answer of `GET /v1/playbooks/{slug}/why/{account}`."""
    about = f" · about {found['key']}" if found["key"] else ""
    yield f"{found['name']} ({found['account']}) · {found['playbook']} v{found['version']}{about}"
    yield from (f"  {line}" for line in found["summary"])
    yield "  rules, in the order in which they are asked"
    for rule in found["rules"]:
        at = f" ({short_time(rule['at'])})" if rule["at"] else ""
        yield f"    {_MARKS[rule['answer']]} {rule['question']} {rule['answer'].replace('_', ' ')}: {rule['value']}{at}"
        yield from (f"        {_fact(fact)}" for fact in rule["facts"])
    yield from _section("limits", (limit["words"] for limit in found["limits"]))
    yield from _section("ways in", (line for trigger in found["triggers"] for line in _trigger(trigger)))
    if found["arm"]:
        arm = found["arm"]
        said = "is left alone" if arm["arm"] == "control" else "is played"
        played = f"; played all the same {short_time(arm['contaminated_at'])}" if arm["contaminated_at"] else ""
        yield f"  holdout: it {said}, drawn {short_time(arm['drawn_at'])} at a share of {arm['share']:.0%}{played}"
    yield from _section("before", (_past(row) for row in found["history"]))


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    first = next(lines, None)
    if first is not None:
        yield f"  {title}"
        yield f"    {first}"
        yield from (f"    {line}" for line in lines)


def _fact(fact: JsonTree) -> str:
    return f"{fact['path']} is {fact['value'] if fact['value'] is not None else 'not known'}"


def _trigger(trigger: JsonTree) -> Iterator[str]:
    now = [trigger["now"]] if trigger["now"] else []
    if trigger["condition"] is not None:
        now.append("its condition holds now" if trigger["condition"] else "its condition does not hold now")
    if trigger["next_at"]:
        now.append(f"next {short_time(trigger['next_at'])}")
    yield f"{trigger['id']}: {trigger['words']}"
    yield from (f"    {line}" for line in now)
    yield from (f"    {_fact(fact)}" for fact in trigger["facts"])


def _past(row: JsonTree) -> str:
    about = f" about {row['key']}" if row["key"] else ""
    play = f" (play {row['run']})" if row["run"] else ""
    return f"{short_time(row['created_at'])} to {short_time(row['left_at'])}{about}: {row['reason']}{play}"
