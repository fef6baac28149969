"""What the people of the demo do, until all of its plays have ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from cli.client import Api, JsonTree, Refused, fail

PATIENCE_S = 180.0
_PAUSE_S = 0.3
_OFFICE = range(8, 18)


@dataclass
class Part:
    """One account of the demo and what happens to it."""

    role: Literal["recovers", "runs to its end", "meets a failing vendor"]
    account: JsonTree
    run: JsonTree = None
    done: set[str] = field(default_factory=set)

    @property
    def expected(self) -> str:
        """How the play ends if all goes as it should."""
        return {"recovers": "goal", "runs to its end": "completed", "meets a failing vendor": "undone"}[self.role]


def choose_accounts(api: Api, count: int) -> list[JsonTree]:
    """Give accounts in trouble that are in no play of the demo now; those where it is office time first, because letters wait for it."""
    busy = {run["account"] for run in api.pages("/v1/runs", 1000, playbook="at-risk-save", active=True)}
    found = [
        account
        for account in api.pages("/v1/accounts", 600, status="active")
        if account["id"] not in busy and _health(account) < 50 and account["stage"] is None and "simulated" not in account["tags"]
    ]
    found.sort(key=lambda account: (not _is_office_time(account), account["id"]))
    if len(found) < count:
        fail("there are not enough accounts in trouble left; `playkeeper accounts import` brings more")
    return found[:count]


def wait_for_start(api: Api, launch: str, accounts: list[str]) -> dict[str, JsonTree]:
    """Give the plays of a launch by account, once all have begun: a playbook with limits begins each when there is room for it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        started = {run["account"]: run for run in api.pages("/v1/runs", len(accounts), launch=launch)}
        if set(accounts) <= set(started):
            return started
        if time.monotonic() > deadline:
            missing = ", ".join(sorted(set(accounts) - set(started)))
            fail(f"no play began on {missing}: at-risk-save gives each owner three a week, so a demo that is played often must wait")
        time.sleep(_PAUSE_S)


def tell_story(api: Api, parts: list[Part], say: Callable[[str], None]) -> None:
    """Do what people do, each time a play waits for them, until all plays have ended."""
    deadline = time.monotonic() + PATIENCE_S
    while any(part.run["state"] != "closed" for part in parts):
        if time.monotonic() > deadline:
            fail(f"the demo's plays did not end within {PATIENCE_S:.0f} s; `playkeeper runs --active` shows where they are")
        for part in parts:
            if part.run["state"] != "closed":
                part.run = api.get(f"/v1/runs/{part.run['id']}")
                _act(api, part, say)
        time.sleep(_PAUSE_S)


def _act(api: Api, part: Part, say: Callable[[str], None]) -> None:
    for item in api.get("/v1/tasks", run=part.run["id"])["items"]:
        if item["id"] not in part.done:
            _answer(api, part, item, say)
    waiting = {step["key"]: step for step in part.run["steps"] if step["status"] == "waiting"}
    if "answer" in waiting and part.role == "recovers":
        _once(part, "recovery", lambda: _recover(api, part, say))
    if "watch" in waiting:
        _once(part, "watch", lambda: _skip(api, part, "watch", "nobody waits three weeks for a demo", say))
    if "intro" in waiting and "quiet" in (waiting["intro"]["detail"] or ""):
        _once(part, "intro", lambda: _skip(api, part, "intro", "it is night or a weekend there, and letters wait", say))


def _answer(api: Api, part: Part, item: JsonTree, say: Callable[[str], None]) -> None:
    """Do what an inbox item asks for, as its owner."""
    path = f"/v1/tasks/{item['id']}"
    if item["kind"] == "review":
        _send(api, part, item, f"{path}/answer", {"answers": {"approved": True}}, say, f"{item['owner']} approves: {item['title']}")
    elif item["kind"] == "form":
        answers = {"cause": "no adoption", "next_step": "Training for the new team on Tuesday"}
        _send(api, part, item, f"{path}/answer", {"answers": answers}, say, f"{item['owner']} answers: {item['title']}")
    elif item["step_key"] == "call" and part.role != "recovers" and _waits_for_answer(part):
        _send(api, part, item, f"{path}/complete", {"outcome": "They agree on a plan"}, say, f"{item['owner']} completes: {item['title']}")


def _waits_for_answer(part: Part) -> bool:
    return any(step["key"] == "answer" and step["status"] == "waiting" for step in part.run["steps"])


def _send(api: Api, part: Part, item: JsonTree, path: str, body: JsonTree, say: Callable[[str], None], words: str) -> None:
    part.done.add(item["id"])
    try:
        api.ask("POST", path, json=body, headers={"X-Playkeeper-Actor": item["owner"] or "demo"})
    except Refused as refused:
        # The play may have gone on meanwhile; its timeline tells.
        say(f"{part.account['name']}: {refused}")
    else:
        say(f"{part.account['name']}: {words}")


def _recover(api: Api, part: Part, say: Callable[[str], None]) -> None:
    before = _health(part.account)
    say(f"{part.account['name']}: its health rises from {before:g} to 71, in the middle of the wait")
    api.send("PATCH", f"/v1/accounts/{part.account['id']}", json={"facts": {"health": {"score": 71}}})


def _skip(api: Api, part: Part, step: str, why: str, say: Callable[[str], None]) -> None:
    say(f'{part.account["name"]}: step "{step}" is skipped, because {why}')
    api.post(f"/v1/runs/{part.run['id']}/steps/{step}/skip", {"reason": why})


def _once(part: Part, what: str, do: Callable[[], None]) -> None:
    if what not in part.done:
        part.done.add(what)
        do()


def _health(account: JsonTree) -> float:
    score = (account["facts"].get("health") or {}).get("score")
    return float(score) if isinstance(score, int | float) else 100.0


def _is_office_time(account: JsonTree) -> bool:
    now = datetime.now(ZoneInfo(account["zone"] or "UTC"))
    return now.weekday() < 5 and now.hour in _OFFICE
