"""One run of a playbook: the workflow of every playbook, its type the playbook's slug.

It runs outside of the SDK's sandbox, which could guard these few lines and nothing they call, at a third of the worker's CPU. Everything
that plays is guarded in other ways: an import contract and a house rule (no clock, chance, environment or I/O), and the replay of
recorded histories. Decision 0011.
"""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

from activities.contracts import JsonTree, RunResult
from workflows.messages import COMMAND_UPDATE, NEWS_SIGNAL, STATE_QUERY, Command, CommandAnswer, News
from workflows.temporal_play import TemporalPlay


@workflow.defn(dynamic=True, sandboxed=False)
class PlaybookRun:
    """The play is there before the first message, so that news and commands sent together with the start are not lost."""

    @workflow.init
    def __init__(self, args: Sequence[RawValue]) -> None:
        self.play = TemporalPlay(args)

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> RunResult:
        """Walk the plan to the end of the play."""
        return await self.play.run()

    @workflow.signal(name=NEWS_SIGNAL)
    def news(self, news: News) -> None:
        """Take note of what a machine tells."""
        self.play.news(news)

    @workflow.update(name=COMMAND_UPDATE)
    def command(self, command: Command) -> CommandAnswer:
        """Do what a person says."""
        return self.play.command(command)

    @command.validator
    def check(self, command: Command) -> None:
        """Refuse what cannot be done now, without a trace in the history."""
        self.play.check(command)

    @workflow.query(name=STATE_QUERY)
    def state(self) -> dict[str, JsonTree]:
        """Show the state of the play."""
        return self.play.state()
