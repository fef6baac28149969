from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from cli.client import Api, JsonFlag, fail


def register(app: typer.Typer) -> None:
    """Add `playkeeper demo`."""
    app.command()(demo)


def demo(
    prepare: Annotated[bool, typer.Option("--prepare", help="Only bring in the two sample books and publish the playbook.")] = False,
    json_output: JsonFlag = False,
) -> None:
    """Play at-risk-save on three accounts: one recovers, one runs to its end, one meets a failing vendor and is undone."""
    from cli.demo.sandbox import SandboxCrm, use_sandbox_vendors
    from cli.demo.scores import score_book
    from cli.demo.story import Part, choose_accounts, tell_story, wait_for_start
    from cli.timeline import timeline_of

    api = Api(actor="demo", json_output=json_output)
    say = _say if not json_output else _say_nothing
    _prepare(api, say)
    if prepare:
        return
    recovering, ordinary, unlucky = choose_accounts(api, 3)
    parts = [Part("recovers", recovering), Part("runs to its end", ordinary), Part("meets a failing vendor", unlucky)]
    chosen = [part.account["id"] for part in parts]
    with SandboxCrm() as crm:
        crm.refused.add(unlucky["id"])
        launch = api.post(
            "/v1/launches",
            {
                "playbook": "at-risk-save",
                "accounts": chosen,
                "inputs": {"crm_url": crm.url, **use_sandbox_vendors(api, chosen)},
                # Who starts it a second time, or a tenth, wants to see it again.
                "ignore": ["again", "holdout", "limits"],
            },
        )
        started = wait_for_start(api, launch["id"], chosen)
        for part in parts:
            part.run = started[part.account["id"]]
            say(f"{part.account['name']} ({part.account['id']}) gets at-risk-save: it {part.role}")
        tell_story(api, parts, say)
    score_book(api, say)
    runs = [api.get(f"/v1/runs/{part.run['id']}") for part in parts]
    if json_output:
        api.show(runs, [])
    else:
        for part, run in zip(parts, runs, strict=True):
            typer.echo(f"\n{part.account['name']} {part.role}")
            api.show(run, timeline_of(run))
    wrong = [
        f"{part.account['name']} ended as {run['outcome']}"
        for part, run in zip(parts, runs, strict=True)
        if run["outcome"] != part.expected
    ]
    if wrong:
        fail(f"the demo did not go as it should: {'; '.join(wrong)}")


def _prepare(api: Api, say: Callable[[str], None]) -> None:
    """Bring in the sample book and the simulated one, once, and publish the playbook with its templates."""
    from pathlib import Path

    from cli.client import Refused
    from cli.commands.accounts import report_lines
    from cli.commands.publish import publish_with_templates
    from cli.demo.book import DEMO, is_loaded, load_book
    from storage.sample.telco import FILE, open_sample

    try:
        api.ask("GET", "/v1/accounts/T-00001")
    except Refused:
        say(f"imports the sample book of business, {FILE.name}")
        report = api.send("POST", "/v1/accounts/import", content=open_sample().read(), headers={"Content-Type": "text/csv"})
        say(report_lines(report)[0])
    if not is_loaded(api, DEMO):
        say("brings in a simulated book of business with a history, for scores; this takes a moment")
        load_book(api, DEMO, say)
    playbook = Path(__file__).resolve().parents[2] / "playbooks/at-risk-save/at-risk-save.yaml"
    published = publish_with_templates(api, playbook, publish=True)
    say(f"at-risk-save is published as version {published['version']}")


def _say(words: str) -> None:
    from datetime import datetime

    typer.echo(f"{datetime.now().astimezone():%H:%M:%S}  {words}")


def _say_nothing(words: str) -> None:
    """With --json only JSON is printed."""
