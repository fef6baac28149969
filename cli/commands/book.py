from __future__ import annotations

from typing import Annotated

import typer

from cli.client import ActorOption, Api, JsonFlag


def register(app: typer.Typer) -> None:
    """Add `playkeeper book`."""
    app.command()(book)


def book(
    accounts: Annotated[int, typer.Option(min=1, max=5_000, help="How many accounts.")] = 400,
    months: Annotated[int, typer.Option(min=1, max=48, help="How long its history is; it ends today.")] = 18,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another book.")] = 7,
    base_rate: Annotated[float, typer.Option(min=0.001, max=0.5, help="Share of the accounts that leave in 90 days.")] = 0.03,
    prefix: Annotated[str, typer.Option(help="What the ids of its accounts begin with.")] = "B-",
    actor: ActorOption = "",
    json_output: JsonFlag = False,
) -> None:
    """Bring in a simulated book of business: accounts, people, and what was seen of them, some of it missing, late or twice.

    Its hazard of churn is known, so that scores can be held against the truth. The same again doubles nothing.
    """
    from cli.demo.book import Wanted, load_book

    api = Api(actor=actor, json_output=json_output)
    lines: list[str] = []
    loaded = load_book(api, Wanted(accounts, months, seed, prefix, base_rate), lines.append)
    api.show(loaded, [*lines, f"{loaded['new']} of the observations are new"])
