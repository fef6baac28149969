"""`ask` and `approve`: a person answers, or the time is over."""

from datetime import datetime

from activities.contracts import AskCall, AskUpdate, JsonTree
from playbook_dsl.plan import AskStep
from workflows.interpreter.names import Frame
from workflows.interpreter.runtime import ActionFailed
from workflows.interpreter.scope import Scope
from workflows.interpreter.state import Asked
from workflows.interpreter.walk import Done, Skip, Walk


async def run_ask(walk: Walk, step: AskStep, frame: Frame, key: str, scope: Scope) -> Done:
    """Ask, remind, escalate, and walk what follows from the answer or from silence."""
    play = walk.play
    memo = play.state.memo.setdefault(key, {})
    if "decided" not in memo:
        asked = await _asked(walk, step, frame, key)
        scope.check()
        await _wait(walk, step, frame, key, asked)
        scope.check()
        asked.open = False
        memo.update(_decision(step, asked))
        play.state.trace_line(f"answered {key} {memo['decided']}")
        await walk.close_inbox(key, str(memo["decided"]))
        await play.refresh_facts()
    output: dict[str, JsonTree] = memo["output"]
    play.keep_result(frame, step.id, output, None)
    inner = frame.inside(key)
    if memo["decided"] == "silence":
        await walk.block(step.on_timeout, inner, scope)
    if step.approval and output.get("approved") is False:
        await walk.block(step.on_reject, inner, scope)
    return Done(output, detail=str(memo["decided"]))


async def _asked(walk: Walk, step: AskStep, frame: Frame, key: str) -> Asked:
    play = walk.play
    found = play.state.asks.get(key)
    if found is not None and found.open:
        return found
    question = play.names.text(step.question, frame) if step.question is not None else step.title or step.id
    form = [field.model_dump(mode="json", by_alias=True, exclude_defaults=True) for field in step.form]
    made = await _put(walk, step, frame, key, step.by, 0, question, form)
    if len(set(made)) < step.need and not step.escalate:
        await walk.close_inbox(key, "too few people")
        raise ActionFailed("Nobody", f"{step.need} people must answer, and only {len(set(made))} could be found")
    found = play.state.asks[key] = Asked(asked=made, approval=step.approval, form=form, need=step.need)
    return found


async def _put(
    walk: Walk, step: AskStep, frame: Frame, key: str, by: tuple[str, ...], turn: int, question: str, form: list[dict[str, JsonTree]]
) -> list[str]:
    play = walk.play
    due = play.add(play.runtime.now(), step.up_to, frame) if step.up_to else None
    call = AskCall(
        run=play.run,
        key=key,
        generation=play.state.generations.get(key, 0),
        round=play.state.asked_before.get(key, 0) + turn,
        kind="approval" if step.approval else "form",
        title=question,
        why=f'"{play.plan.title}" waits for it',
        by=by,
        ask_each=step.ask_each and turn == 0,
        form=tuple(form),
        due_at=due,
    )
    made = await play.settle(play.runtime.ask(call, question), f"ask {key}")
    return list(made.asked)


async def _wait(walk: Walk, step: AskStep, frame: Frame, key: str, asked: Asked) -> None:
    """Wait for enough answers, reminding and escalating on the way, at most for `up_to`."""
    play = walk.play
    wait = play.waiting.opened(key, shifts=step.while_paused == "shift")
    if step.up_to is not None and wait.until is None:
        wait.until = play.add(wait.opened_at, step.up_to, frame)
    play.progress.step(key, step, "waiting", detail="waits for " + ", ".join(asked.asked))

    def done() -> bool:
        return key in play.state.skips or asked.enough

    def end() -> datetime | None:
        return play.waiting.shifted(wait.until, wait) if wait.until else None

    while True:
        rung = _next_rung(walk, step, frame, asked, wait.opened_at)
        limit = end()
        rung_first = rung is not None and (limit is None or rung[0] < limit)
        at = rung[0] if rung is not None and rung_first else None
        finished = await play.waiting.until(done, lambda at=at: play.waiting.shifted(at, wait) if at else end(), step.title or step.id)  # type: ignore[misc]  # a default binds the loop's value
        if finished or rung is None or not rung_first:
            break
        asked.rounds += 1
        await _climb(walk, step, frame, key, asked, rung[1])
    if not finished and step.timeout_decision == "escalate":
        await _climb(walk, step, frame, key, asked, step.escalate[-1].to if step.escalate else ("csm.manager",))
        await play.waiting.until(done, lambda: None, step.title or step.id)
    play.waiting.closed(key)
    if key in play.state.skips:
        raise Skip


def _next_rung(walk: Walk, step: AskStep, frame: Frame, asked: Asked, opened: datetime) -> tuple[datetime, tuple[str, ...]] | None:
    """Give when the next reminder (no owners) or escalation (to owners) is due; `asked.rounds` of them are behind us."""
    play = walk.play
    rungs = [(play.add(opened, rung.after, frame), rung.to) for rung in step.escalate]
    if step.remind is not None:
        at = opened
        for _ in range(asked.rounds + 1):
            at = play.add(at, step.remind, frame)
            rungs.append((at, ()))
    rungs.sort(key=lambda rung: rung[0])
    return rungs[asked.rounds] if asked.rounds < len(rungs) else None


async def _climb(walk: Walk, step: AskStep, frame: Frame, key: str, asked: Asked, to: tuple[str, ...]) -> None:
    play = walk.play
    if to:
        question = play.names.text(step.question, frame) if step.question is not None else step.title or step.id
        asked.asked += await _put(walk, step, frame, key, to, asked.rounds, question, asked.form)
        play.state.trace_line(f"escalated {key}")
        return
    await play.settle(play.runtime.update_ask(AskUpdate(run=play.run, key=key, do="remind")), f"remind {key}")
    play.state.trace_line(f"reminded {key}")


def _decision(step: AskStep, asked: Asked) -> dict[str, JsonTree]:
    if not asked.enough:
        approved = step.timeout_decision == "approve"
        output: dict[str, JsonTree] = {"approved": approved, "by": None, "comment": None} if step.approval else {"answers": {}, "by": None}
        return {"decided": "silence", "output": output}
    last = asked.answers[-1]
    if step.approval:
        approved = all(answer.get("approved") is not False for answer in asked.answers)
        return {
            "decided": "approved" if approved else "rejected",
            "output": {"approved": approved, "by": last.get("$by"), "comment": last.get("comment")},
        }
    answers = {name: value for name, value in last.items() if name != "$by"}
    return {"decided": "answered", "output": {"answers": answers, "by": last.get("$by")}}
