"""Plays a plan on one account: the face of the interpreter for the Temporal and the virtual-clock runtime."""

import asyncio
from datetime import date

from activities.contracts import AskCall, JsonTree, LoadedFacts, RunInput, RunResult
from playbook_dsl.expressions.evaluate import EvaluationError
from playbook_dsl.plan import Deadline, Exit, Goal
from workflows.interpreter.commands import Commands
from workflows.interpreter.ending import end, quietly
from workflows.interpreter.errors import ContinueAsNew, LeaveRepeat, StepFailed, Stopped
from workflows.interpreter.handlers import HANDLERS
from workflows.interpreter.play import Play, Watch
from workflows.interpreter.runtime import Runtime
from workflows.interpreter.state import Arrived, Ending
from workflows.interpreter.walk import Walk
from workflows.messages import Command, CommandAnswer, News

MAX_EVENTS = 500
MAX_SEEN = 2_000


class Player:
    """One play, from its input to its result."""

    def __init__(self, run_input: RunInput, runtime: Runtime) -> None:
        """Make the play ready; nothing happens before `play`."""
        self._play = Play(run_input, runtime)
        self._walk = Walk(self._play, HANDLERS)
        self._commands = Commands(self._play)

    @property
    def summary(self) -> str:
        """One line for lists: account, risk, playbook and version."""
        play = self._play
        risk = play.names.fact("risk", "score")
        name = play.names.fact("account", "name") or play.run.account
        parts = [str(name), *([f"risk {risk}"] if risk is not None else []), f"{play.run.playbook} v{play.run.version}"]
        return " · ".join(parts)

    @property
    def vars(self) -> dict[str, JsonTree]:
        """The values of `set` so far."""
        return dict(self._play.state.vars)

    async def play(self) -> RunResult:
        """Play to the end.

        Raises:
            ContinueAsNew: the history is long; the play goes on from the input the exception carries.
        """
        play = self._play
        if play.input.mode == "undo":
            self._begin_undo()
        if play.state.ending is None:
            await self._walk_body()
        if play.draining and play.state.ending is None:
            raise self._renewed()
        ending = play.state.ending or Ending("completed")
        try:
            outcome = await end(self._walk, ending)
        except asyncio.CancelledError:
            if not play.draining:
                raise
            raise self._renewed() from None
        saved = play.saved()
        await play.progress.flush("closed", outcome=outcome, saved=saved)
        return RunResult(outcome=outcome, error=ending.error, state=saved)

    def _renewed(self) -> ContinueAsNew:
        return ContinueAsNew(self._play.input.model_copy(update={"state": self._play.saved(), "retry_from": None, "mode": "run"}))

    def _begin_undo(self) -> None:
        """Take back what a finished play did; `finally` has had its turn already."""
        play = self._play
        play.state.ending = Ending("undone", undo="all", force=play.input.force)
        for entry in play.state.undo:
            if entry.status == "conflict" and play.input.force:
                entry.status = "open"

    async def _walk_body(self) -> None:
        play = self._play
        self._watch_exits()
        if play.state.ending is not None:
            return
        body = play.runtime.spawn(self._body(), "play")
        # A callback, because a task that is cancelled before it began runs nothing of its own.
        body.add_done_callback(lambda _task: play.board.notify())
        play.scope.task = body
        if play.plan.deadline is not None:
            await self._until_deadline(body, play.plan.deadline)
        while not body.done():
            await play.board.changed()
        if not body.cancelled():
            body.result()

    def _watch_exits(self) -> None:
        play = self._play
        goal = play.plan.goal
        exits = play.plan.exits
        if goal is not None and goal.when is not None:
            exits = (*exits, Exit(name=goal.name, when=goal.when, then="keep"))
        play.watches.insert(0, Watch(exits, play.root, play.state.started_at, self._exit))
        play.changed()

    def _exit(self, index: int, leave: Exit) -> None:
        play = self._play
        goal = play.plan.goal
        outcome = "goal" if goal is not None and leave.name == goal.name and self._counts(goal) else f"exit:{leave.name}"
        undo = {"undo": "all", "undo_steps": "steps"}.get(leave.then, "none")
        own_steps = index if leave.steps and index < len(play.plan.exits) else None
        ending = Ending(outcome, steps=list(leave.undo), exit=own_steps)
        ending.undo = undo  # type: ignore[assignment]  # one of the two words above or "none"
        play.state.trace_line(f"exit {leave.name}")
        play.end(ending)

    def _counts(self, goal: Goal) -> bool:
        """Say whether the goal's time is not over yet."""
        play = self._play
        if goal.within is not None:
            return play.runtime.now() <= play.add(play.state.started_at, goal.within, play.root)
        if goal.by is not None:
            by = play.names.value(goal.by, play.root)
            return not isinstance(by, date) or play.names.holds(f"today <= ({goal.by})", play.root)
        return True

    async def _body(self) -> None:
        """Walk the steps; the way it ends becomes the play's ending, unless somebody else ended it first."""
        play = self._play
        try:
            await self._walk.block(play.plan.steps, play.root, play.scope)
            ending = Ending("completed")
        except Stopped as stop:
            ending = Ending(stop.outcome, undo="all" if stop.undo else "none", error=dict(stop.error) if stop.error else None)
        except StepFailed as failed:
            ending = Ending("undone", undo="all", error=dict(failed.as_record()))
        except LeaveRepeat:
            ending = Ending("completed")
        except asyncio.CancelledError:
            ending = None
            if play.state.ending is None and not play.draining:
                ending = Ending("cancelled")
        except EvaluationError as failed:
            ending = Ending("undone", undo="all", error={"code": "Expression", "message": str(failed)})
        if ending is not None and play.state.ending is None:
            play.state.ending = ending

    async def _until_deadline(self, body: "asyncio.Task[None]", deadline: Deadline) -> None:
        """Tell, hold or stop when the play takes longer than its deadline."""
        play = self._play
        if play.state.deadline_told:
            return
        at = play.add(play.state.started_at, deadline.after, play.root)
        if await play.waiting.until(body.done, lambda: at, "deadline", quiet=True):
            return
        play.state.deadline_told = True
        play.state.trace_line(f"deadline {deadline.then}")
        if deadline.then == "stop":
            play.end(Ending("exit:deadline"))
        elif deadline.then == "hold":
            self._commands.carry_out(Command(do="pause", request_id="deadline", by="playkeeper", reason="deadline"))
        by = deadline.escalate_to or (*((play.plan.owner,) if play.plan.owner else ()), "csm", "role:cs_ops")
        why = f'"{play.plan.title}" takes longer than planned'
        call = AskCall(run=play.run, key="deadline", kind="notice", title=f"{self.summary} is past its deadline", why=why, by=by)
        await quietly(self._walk, play.runtime.ask(call, call.title), "deadline")

    def check(self, command: Command) -> None:
        """Raise Refused when a command cannot be followed now."""
        self._commands.check(command)

    def command(self, command: Command) -> CommandAnswer:
        """Carry a command out, once per request id. Raises Refused."""
        return self._commands.carry_out(command)

    def news(self, news: News) -> None:
        """Take over what a machine tells; the same news twice is one."""
        play = self._play
        if news.id in play.state.seen:
            return
        play.state.seen = [*play.state.seen[-MAX_SEEN:], news.id]
        if news.kind == "facts":
            loaded = LoadedFacts.model_validate(news.fields)
            play.take_facts(loaded.facts, loaded.calendar, loaded.plays, loaded.open_tasks)
            return
        if news.kind == "event":
            play.state.events = [*play.state.events[-MAX_EVENTS:], Arrived(news.id, news.name or "", play.runtime.now(), news.fields)]
        elif news.kind == "object":
            play.object_changed(news.name or "", news.fields)
        elif news.kind == "play_ended":
            play.sub_play_ended(news.key or "", str(news.fields.get("outcome")))
        elif news.key in play.state.locks:
            play.state.locks[news.key] = "held"
        play.changed()

    def state(self) -> dict[str, JsonTree]:
        """Give what the inspect page shows: state, steps, open questions, effects to undo."""
        play = self._play
        return {
            "state": play.state_word(),
            "progress": play.progress.sentence(),
            "outcome": play.state.ending.outcome if play.state.ending else None,
            "steps": [step.record().model_dump(mode="json") for step in play.state.steps.values()],
            "asks": [key for key, asked in play.state.asks.items() if asked.open],
            "holds": {key: {"code": held.code, "message": held.message} for key, held in play.state.holds.items()},
            "undo": [{"key": entry.key, "title": entry.title, "how": entry.how, "status": entry.status} for entry in play.state.undo],
        }
