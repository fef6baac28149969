"""`for_each` and `repeat`."""

from datetime import datetime, timedelta

from activities.contracts import JsonTree
from playbook_dsl.plan import ForEachStep, RepeatStep
from playbook_dsl.timing.moments import land
from playbook_dsl.values import Value, from_json, to_json
from workflows.interpreter.errors import LeaveRepeat
from workflows.interpreter.names import Frame
from workflows.interpreter.scope import Scope
from workflows.interpreter.steps.blocks import Work, side_by_side
from workflows.interpreter.walk import Done, Skip, Walk


async def run_for_each(walk: Walk, step: ForEachStep, frame: Frame, key: str, scope: Scope) -> Done:
    """Walk the steps once for each item. The items are those of the moment the loop began."""
    play = walk.play
    memo = play.state.memo.setdefault(key, {})
    if "items" not in memo:
        memo.update(items=_items(walk, step, frame), finished=[], results={})
    items: list[JsonTree] = memo["items"]
    work = [(str(number), _item(walk, step, frame, key, number, item)) for number, item in enumerate(items)]
    await _until_enough(walk, step, frame, key, scope, work)
    results = [memo["results"][name] for name in sorted(memo["results"], key=int)]
    output: dict[str, JsonTree] = {"items": results, "counts": _counts(memo), "total": len(items)}
    return Done(output, detail=f"{len(results)} of {len(items)}")


def _items(walk: Walk, step: ForEachStep, frame: Frame) -> list[JsonTree]:
    names = walk.play.names
    found = names.value(step.items, frame)
    if not isinstance(found, list):
        return []
    kept: list[JsonTree] = []
    for index, item in enumerate(found, 1):
        if step.where is None or names.holds(step.where, frame.with_names({step.as_: item, "index": index})):
            kept.append(to_json(item))
    return kept if step.limit is None else kept[: step.limit]


def _item(walk: Walk, step: ForEachStep, frame: Frame, key: str, number: int, item: JsonTree) -> Work:
    async def run(scope: Scope) -> None:
        total = len(walk.play.state.memo[key]["items"])
        turn = frame.turn(key, number, {step.as_: from_json(item), "index": number + 1, "total": total})
        await walk.block(step.steps, turn, scope)
        own = {each.id: to_json(turn.steps[each.id]) for each in step.steps if each.id in turn.steps}
        counted = {name: walk.play.names.holds(condition, turn) for name, condition in step.counts.items()}
        walk.play.state.memo[key]["results"][str(number)] = {"item": item, "steps": own, "counted": counted}

    return run


async def _until_enough(walk: Walk, step: ForEachStep, frame: Frame, key: str, scope: Scope, work: list[tuple[str, Work]]) -> None:
    """Run the items; where the loop may stop early, one batch after the other, so that counts are looked at in between."""
    memo = walk.play.state.memo[key]
    finished: list[str] = memo["finished"]
    if step.until is None and step.enough is None:
        await side_by_side(walk, key, scope, work, finished, len(work), step.at_once)
        return
    for begin in range(0, len(work), step.at_once):
        if _is_enough(walk, step, frame, key):
            return
        batch = work[begin : begin + step.at_once]
        await side_by_side(walk, key, scope, batch, finished, begin + len(batch), step.at_once)


def _is_enough(walk: Walk, step: ForEachStep, frame: Frame, key: str) -> bool:
    memo = walk.play.state.memo[key]
    if not memo["results"]:
        return False
    counts = _counts(memo)
    counted = sum(counts.values()) if step.counts else len(memo["results"])
    if step.enough is not None and counted >= step.enough:
        return True
    scope: dict[str, Value] = {"counts": dict(counts), "total": len(memo["items"])}
    return step.until is not None and walk.play.names.holds(step.until, frame.with_names(scope))


def _counts(memo: dict[str, JsonTree]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for result in memo["results"].values():
        for name, held in result["counted"].items():
            counts[name] = counts.get(name, 0) + bool(held)
    return counts


async def run_repeat(walk: Walk, step: RepeatStep, frame: Frame, key: str, scope: Scope) -> Done:
    """Walk the steps again and again. Inner ids are fresh each turn; the last turn's results are readable after it."""
    play = walk.play
    memo = play.state.memo.setdefault(key, {"turn": 0, "over": False})
    while not memo["over"] and memo["turn"] < step.at_most:
        scope.check()
        number = memo["turn"]
        if memo.get("begun") != number:
            if number and (step.every is not None or step.weekdays):
                await _wait_for_turn(walk, step, frame, key)
            memo.update(begun=number, began=play.runtime.now().isoformat())
        turn = frame.turn(key, number, {"turn": number + 1})
        left = await _one_turn(walk, step, turn, scope)
        memo["last"] = {each.id: to_json(turn.steps[each.id]) for each in step.steps if each.id in turn.steps}
        memo["over"] = left or (step.until is not None and play.names.holds(step.until, turn))
        memo["turn"] = number + 1
        play.state.trace_line(f"turn {key} {number + 1}")
    output = {"turn": memo["turn"], "exhausted": not memo["over"], **memo.get("last", {})}
    play.keep_result(frame, step.id, output, None)
    if not memo["over"]:
        await walk.block(step.on_exhausted, frame.inside(key), scope)
    return Done(output, detail=f"{memo['turn']} turns")


async def _one_turn(walk: Walk, step: RepeatStep, turn: Frame, scope: Scope) -> bool:
    try:
        await walk.block(step.steps, turn, scope)
    except LeaveRepeat:
        return True
    return False


async def _wait_for_turn(walk: Walk, step: RepeatStep, frame: Frame, key: str) -> None:
    """Wait for the next turn: `every` after the last one began, or the next of the weekdays."""
    play, memo = walk.play, walk.play.state.memo[key]
    name = f"{key}[{memo['turn']}].every"
    began = datetime.fromisoformat(memo["began"])
    wait = play.waiting.opened(name)
    if wait.until is None:
        wait.until = play.add(began, step.every, frame) if step.every is not None else _next_day(walk, step, began)
    play.progress.step(key, step, "waiting", detail=f"turn {memo['turn'] + 1} at {wait.until:%Y-%m-%d %H:%M} UTC")
    skipped = await play.waiting.until(
        lambda: key in play.state.skips, lambda: play.waiting.shifted(wait.until, wait) if wait.until else None, step.title or step.id
    )
    play.waiting.closed(name)
    if skipped:
        raise Skip
    await play.refresh_facts()


def _next_day(walk: Walk, step: RepeatStep, began: datetime) -> datetime:
    calendar = walk.play.names.calendar
    for days in range(1, 9):
        at = land(began + timedelta(days=days), calendar, at_time=step.at, on_business_day=False)
        if at.astimezone(calendar.tz).weekday() in step.weekdays:
            return at
    return began
