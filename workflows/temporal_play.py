"""A play on Temporal: the interpreter's player, its runtime, and what the two mean in Temporal's words."""

import asyncio
from collections.abc import Sequence
from typing import NoReturn

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, FailureError

from activities.contracts import JsonTree, RunInput, RunResult
from workflows.interpreter.errors import ContinueAsNew, Refused
from workflows.interpreter.player import Player
from workflows.messages import NEWS_SIGNAL, REFUSED, Command, CommandAnswer, News
from workflows.temporal_runtime import TemporalRuntime


class TemporalPlay:
    """What the workflow of a playbook does.

    An error of the interpreter that nobody declared is a bug of ours: it fails the workflow task, which is tried again until a worker
    with the bug mended comes along, and the play goes on from where it stood.
    """

    def __init__(self, args: Sequence[RawValue]) -> None:
        self.input: RunInput = workflow.payload_converter().from_payload(args[0].payload, RunInput)
        self.player = Player(self.input, TemporalRuntime(self.input))
        self._told_to_cancel = False

    async def run(self) -> RunResult:
        """Walk the plan to the end of the play, or go on in a fresh history."""
        walk = asyncio.create_task(self.player.play(), name="play")
        try:
            result = await self._outlast_cancellation(walk)
        except ContinueAsNew as fresh:
            self._continue(fresh.input)
        await self._tell_parent(result)
        await workflow.wait_condition(workflow.all_handlers_finished)
        # The state is in the tables since the last record; in the history and in the UI it would only hide how the play ended.
        return RunResult(outcome=result.outcome, error=result.error)

    def news(self, news: News) -> None:
        """Pass news on."""
        self.player.news(news)

    def check(self, command: Command) -> None:
        """Turn a refusal into the error that callers know.

        Raises:
            ApplicationError: of type `CommandRefused`.
        """
        try:
            self.player.check(command)
        except Refused as refusal:
            details = {"code": refusal.code, "message": refusal.message}
            raise ApplicationError(refusal.message, details, type=REFUSED, non_retryable=True) from None

    def command(self, command: Command) -> CommandAnswer:
        """Pass a command on."""
        if command.parent is not None:
            # A parent that had ended was taken up again, and that is another workflow than the one that started this play.
            self.input = self.input.model_copy(update={"parent": command.parent})
        return self.player.command(command)

    def state(self) -> dict[str, JsonTree]:
        """Show the state."""
        return self.player.state()

    async def _outlast_cancellation(self, walk: asyncio.Task[RunResult]) -> RunResult:
        """A cancellation from outside the product (the Temporal UI, its CLI) is a person's `cancel`: the play still ends in order."""
        while True:
            try:
                return await asyncio.shield(walk)
            except asyncio.CancelledError:
                # Without a reason it is the worker that forgets the play to make room.
                if walk.done() or self._told_to_cancel or workflow.cancellation_reason() is None:
                    raise
                self._told_to_cancel = True
                self._cancel()

    def _cancel(self) -> None:
        command = Command(do="cancel", request_id="temporal", by="temporal", reason=workflow.cancellation_reason() or None)
        try:
            self.player.check(command)
        except Refused:
            return
        self.player.command(command)

    def _continue(self, fresh: RunInput) -> NoReturn:
        workflow.continue_as_new(fresh.model_copy(update={"parent": self.input.parent}))

    async def _tell_parent(self, result: RunResult) -> None:
        """The news goes to the parent's workflow, whichever of its histories is the live one by now."""
        if self.input.parent is None:
            return
        fields = {"outcome": result.outcome, "error": result.error, "run_id": self.input.run.run_id}
        own_id = workflow.info().workflow_id
        news = News(kind="play_ended", id=f"{own_id}:{workflow.info().run_id}", name=own_id, key=self.input.parent_key, fields=fields)
        try:
            await workflow.get_external_workflow_handle(self.input.parent).signal(NEWS_SIGNAL, news)
        except FailureError:
            # The parent has ended and waits for nothing more.
            workflow.logger.info("the parent play has ended already")
