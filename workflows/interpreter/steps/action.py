"""A call of an action: quiet hours, a person's look, the budget of messages, the attempt, and the wait for a task's end."""

from datetime import datetime, timedelta
from typing import Final

from activities.contracts import ActionCall, ActionResult, AskCall, JsonTree, Sending, TaskUpdate
from playbook_dsl.enrollment import Enroll
from playbook_dsl.plan import ActionStep, Review
from playbook_dsl.timing.quiet import parse_quiet
from playbook_dsl.values import to_json
from workflows.interpreter.names import Frame
from workflows.interpreter.runtime import OverBudget
from workflows.interpreter.scope import Scope
from workflows.interpreter.state import Asked
from workflows.interpreter.walk import Done, Skip, Walk

CLOSED_TASK = ("done", "cancelled")
SOONEST: Final = timedelta(milliseconds=250)


async def run_action(walk: Walk, step: ActionStep, frame: Frame, key: str, scope: Scope) -> Done:
    """Perform an action once, whatever happens in between; the ledger behind the runtime sees to that."""
    play = walk.play
    result = await _performed(walk, step, frame, key, scope)
    play.undo.completed(key)
    if result.status == "unknown":
        doubt = result.note or "it may or may not have happened, and nobody can tell"
        await walk.put_in_inbox(step, key, "notice", doubt, round_=play.state.generations.get(key, 0))
    if step.wait and result.live is not None:
        _keep_for_retry(walk, key, result)
        await _wait_for_task(walk, step, frame, key, result, result.live)
    return Done(result.output, live=result.live, status="skipped" if result.status == "skipped" else "done", detail=result.note)


async def _performed(walk: Walk, step: ActionStep, frame: Frame, key: str, scope: Scope) -> ActionResult:
    """Perform it in open hours, after a person's look, and as soon as its recipient's budget of messages allows."""
    play = walk.play
    reviewed: dict[str, JsonTree] | None = None
    waited = False
    while True:
        if step.sends and not step.urgent:
            await _wait_for_open_hours(walk, step, frame, key)
            scope.check()
        inputs = reviewed or {**play.names.nodes(step.inputs, frame), **play.state.edits.get(key, {})}
        if step.review is not None and reviewed is None:
            inputs = reviewed = await _reviewed(walk, step, step.review, frame, key, inputs)
            scope.check()
        if step.effect != "read":
            play.undo.push(step, frame, key)
        try:
            return await _perform(walk, step, frame, key, inputs, waited=waited)
        except OverBudget as over:
            play.undo.withdraw(key)
            await _wait_for_budget(walk, step, key, over)
            scope.check()
            waited = True


async def _perform(walk: Walk, step: ActionStep, frame: Frame, key: str, inputs: dict[str, JsonTree], *, waited: bool) -> ActionResult:
    play = walk.play
    earlier = play.state.memo.get(key, {}).get("result")
    if earlier is not None:
        return ActionResult.model_validate(earlier)
    message = step.message
    env = play.names.env(frame) if message else {}
    retry = step.retry or play.plan.retry
    call = ActionCall(
        run=play.run,
        key=key,
        title=step.title or step.id,
        action=step.action,
        inputs=inputs,
        effect=step.effect,
        generation=play.state.generations.get(key, 0),
        message=message,
        context={name: to_json(env[name]) for name in message.reads if name in env} if message else {},
        if_nobody=step.if_nobody,
        grow_by_s=retry.first_s if retry.growth == "linear" else None,
        sending=_sending(play.plan.enroll, step, step.sends, waited=waited) if step.sends else None,
    )
    result: ActionResult = await play.settle(play.runtime.perform(call, retry, step.timeout_s, call.title), key)
    return result


def _sending(enroll: Enroll | None, step: ActionStep, channel: str, *, waited: bool) -> Sending:
    rules = enroll or Enroll()
    return Sending(channel=channel, budget=rules.budget, priority=rules.priority, urgent=step.urgent is not None, waited=waited)


def _keep_for_retry(walk: Walk, key: str, result: ActionResult) -> None:
    """Remember a task that was made, so that a walk taken up again waits for it instead of asking the ledger."""
    walk.play.state.memo[key] = {"result": result.model_dump(mode="json")}


async def _wait_for_open_hours(walk: Walk, step: ActionStep, frame: Frame, key: str) -> None:
    """Delay a send to the next open minute in the recipient's zone."""
    play = walk.play
    if play.plan.time.quiet is None or "result" in play.state.memo.get(key, {}):
        return
    opens = parse_quiet(play.plan.time.quiet).open_at(play.runtime.now(), play.calendar_for(step.inputs.get("to"), frame))
    if opens <= play.runtime.now():
        return
    play.progress.step(key, step, "waiting", detail=f"quiet hours until {opens:%Y-%m-%d %H:%M} UTC")
    play.state.trace_line(f"quiet {key}")
    wait = play.waiting.opened(f"{key}.quiet", shifts=False)
    wait.until = wait.until or opens
    await _sleep(walk, key, "quiet", f"quiet hours: {step.title or step.id}")


async def _wait_for_budget(walk: Walk, step: ActionStep, key: str, over: OverBudget) -> None:
    """Wait until its recipient may be written to again; the world may be another then."""
    play = walk.play
    play.progress.step(key, step, "waiting", detail=over.why)
    play.state.trace_line(f"budget {key}")
    # Two clocks may differ: asked at once, the same answer would come again and again.
    play.waiting.opened(f"{key}.budget", shifts=False).until = max(over.until, play.runtime.now() + SOONEST)
    await _sleep(walk, key, "budget", f"{step.title or step.id} {over.why}")
    play.progress.step(key, step, "running")
    await play.refresh_facts()


async def _sleep(walk: Walk, key: str, what: str, summary: str) -> None:
    """Wait until the open wait `what` of a step is over."""
    play = walk.play
    wait = play.waiting.opened(f"{key}.{what}", shifts=False)
    await play.waiting.until(lambda: key in play.state.skips, lambda: wait.until, summary)
    play.waiting.closed(f"{key}.{what}")
    if key in play.state.skips:
        raise Skip


async def _reviewed(
    walk: Walk, step: ActionStep, review: Review, frame: Frame, key: str, inputs: dict[str, JsonTree]
) -> dict[str, JsonTree]:
    """Let a person look at a message before it leaves, and change what may be changed."""
    play = walk.play
    asked = play.state.asks.get(key)
    if asked is None:
        shown = {"inputs": inputs, "may_edit": list(review.may_edit)}
        call = AskCall(
            run=play.run,
            key=key,
            round=play.state.asked_before.get(key, 0),
            kind="review",
            title=step.title or step.id,
            why="look at it before it is sent",
            by=review.by,
            context=shown,
        )
        made = await play.settle(play.runtime.ask(call, f"review {call.title}"), f"review {key}")
        asked = play.state.asks[key] = Asked(asked=list(made.asked), approval=True)
    play.progress.step(key, step, "waiting", detail="waits for review")
    answered = await walk.wait_for(
        f"{key}.review", lambda: bool(asked.answers) or key in play.state.skips, review.up_to, frame, f"review: {step.title or step.id}"
    )
    asked.open = False
    await walk.close_inbox(key, "reviewed" if answered else "not reviewed in time")
    if key in play.state.skips or (not answered and review.on_timeout == "skip"):
        raise Skip
    answer = asked.answers[-1] if asked.answers else {"approved": True}
    play.state.trace_line(f"review {key} {'sent' if answer.get('approved', True) else 'skipped'}")
    if not answer.get("approved", True):
        raise Skip
    edits = {name: value for name, value in answer.items() if name in review.may_edit}
    return {**inputs, **edits}


async def _wait_for_task(walk: Walk, step: ActionStep, frame: Frame, key: str, result: ActionResult, live: str) -> None:
    """Wait until the task is done or cancelled; tell or reassign when it is overdue."""
    play = walk.play
    play.progress.step(key, step, "waiting", detail="waits for the task")

    def over() -> bool:
        status = play.state.objects.get(live, {}).get("status", result.output.get("status"))
        return status in CLOSED_TASK or key in play.state.skips

    due = result.output.get("due_at")
    due_at = datetime.fromisoformat(due["$datetime"] if isinstance(due, dict) else due) if due else play.runtime.now()
    for turn, rung in enumerate(step.overdue):
        at = play.add(due_at, rung.after, frame)
        if await play.waiting.until(over, lambda at=at: at, f"overdue: {step.title or step.id}"):  # type: ignore[misc]  # a default binds the loop's value
            break
        for do, to in (("tell", rung.tell), ("reassign", rung.reassign)):
            if to:
                update = TaskUpdate(run=play.run, key=key, task=live, do=do, to=to, round=turn)
                await play.settle(play.runtime.update_task(update), f"overdue {key}")
                play.state.trace_line(f"overdue {key} {do}")
    await play.waiting.until(over, lambda: None, f"task: {step.title or step.id}")
    if key in play.state.skips:
        raise Skip
    result.output.update(play.state.objects.get(live, {}))
    await play.refresh_facts()
