"""Plays one plan on the virtual clock, with things that happen at offsets from its start."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from activities.contracts import RunInput, RunResult
from simulation.clock import run_virtual
from simulation.runtime import Happening, VirtualRuntime, World
from workflows.interpreter.errors import ContinueAsNew, Refused
from workflows.interpreter.player import Player
from workflows.messages import Command, News

Act = Callable[[Player, World], None]
"""Something that happens to a play under way: a person's command, an event, a changed fact."""


@dataclass(frozen=True)
class Stimulus:
    """`act` happens `after` the play's start."""

    after: timedelta
    act: Act


@dataclass
class Played:
    """What came of a virtual play."""

    result: RunResult
    ended_at: datetime
    happenings: list[Happening]
    refused: list[str] = field(default_factory=list)


def command(**fields: object) -> Act:
    """Give the act of a person's command; see `workflows.messages.Command`."""

    def act(player: Player, _world: World) -> None:
        player.command(Command.model_validate({"by": "somebody", "request_id": repr(sorted(fields.items())), **fields}))

    return act


def news(**fields: object) -> Act:
    """Give the act of a machine's news; see `workflows.messages.News`."""

    def act(player: Player, _world: World) -> None:
        player.news(News.model_validate({"id": repr(sorted(fields.items())), **fields}))

    return act


class _Table:
    """The player that plays now; a play that goes on in a fresh history has a new one."""

    def __init__(self, run_input: RunInput, runtime: VirtualRuntime) -> None:
        self.runtime = runtime
        self.player = Player(run_input, runtime)

    async def to_the_end(self) -> RunResult:
        while True:
            try:
                return await self.player.play()
            except ContinueAsNew as more:
                self.runtime.renew_history()
                self.player = Player(RunInput.model_validate_json(more.input.model_dump_json(by_alias=True)), self.runtime)


async def play_one(
    run_input: RunInput, world: World, started_at: datetime, stimuli: Sequence[Stimulus] = (), *, history_limit: int | None = None
) -> Played:
    """Play on the running virtual loop until the play ends."""
    runtime = VirtualRuntime(world, started_at, history_limit)
    table = _Table(run_input, runtime)
    refused: list[str] = []
    ends = itertools.count()
    world.sub_play_ended = lambda key, outcome: table.player.news(
        News(kind="play_ended", id=f"end {next(ends)}", key=key, fields={"outcome": outcome})
    )
    loop = asyncio.get_running_loop()
    handles = [loop.call_later(stimulus.after.total_seconds(), _act, stimulus.act, table, world, refused) for stimulus in stimuli]
    try:
        result = await table.to_the_end()
    finally:
        for handle in handles:
            handle.cancel()
    return Played(result, runtime.now(), world.happenings, refused)


def _act(act: Act, table: _Table, world: World, refused: list[str]) -> None:
    try:
        act(table.player, world)
    except Refused as error:
        refused.append(error.code)


def simulate(
    run_input: RunInput, world: World, started_at: datetime, stimuli: Sequence[Stimulus] = (), *, history_limit: int | None = None
) -> Played:
    """Play to the end on a virtual clock of its own.

    Raises:
        simulation.clock.DeadlockError: the play waits for something that no stimulus brings.
    """
    return run_virtual(play_one(run_input, world, started_at, stimuli, history_limit=history_limit))
