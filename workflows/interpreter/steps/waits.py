"""`wait` and `wait_until`."""

from datetime import date, datetime

from playbook_dsl.plan import Alternative, WaitStep, WaitUntilStep
from playbook_dsl.timing.moments import land, parse_until, start_of_day
from playbook_dsl.values import Value, from_json
from workflows.interpreter.names import Frame
from workflows.interpreter.scope import Scope
from workflows.interpreter.state import Arrived
from workflows.interpreter.walk import Done, Skip, Walk


async def run_wait(walk: Walk, step: WaitStep, frame: Frame, key: str, _scope: Scope) -> Done:
    """Wait for a time; a date already past passes at once and says so."""
    play = walk.play
    wait = play.waiting.opened(key, shifts=step.while_paused == "shift" and step.until is None)

    def target() -> datetime | None:
        if wait.until is None or (step.until is not None and not step.fixed):
            wait.until = _end_of_wait(walk, step, frame, wait.opened_at)
        return play.waiting.shifted(wait.until, wait)

    first = target()
    if first is not None and first <= play.runtime.now() and step.for_ is None:
        play.waiting.closed(key)
        play.state.trace_line(f"past {key}")
        return Done({"past": True}, detail=f"{first:%Y-%m-%d %H:%M} UTC was already past")
    play.progress.step(key, step, "waiting", detail=f"until {first:%Y-%m-%d %H:%M} UTC" if first else None)
    skipped = await play.waiting.until(lambda: key in play.state.skips, target, step.title or step.id)
    play.waiting.closed(key)
    if skipped:
        raise Skip
    await play.refresh_facts()
    return Done()


def _end_of_wait(walk: Walk, step: WaitStep, frame: Frame, opened: datetime) -> datetime:
    play = walk.play
    calendar = play.names.calendar
    end = opened
    if step.for_ is not None:
        end = play.add(opened, step.for_, frame)
    elif step.until_words is not None:
        words = parse_until(step.until_words)
        end = words.moment(opened, calendar, step.at) if words else opened
    elif step.until is not None:
        found = play.names.value(step.until, frame)
        if isinstance(found, datetime):
            end = found
        elif isinstance(found, date):
            end = start_of_day(found, calendar, step.at)
        # A missing date has nothing to wait for: the step passes and says so.
    if step.at is not None or step.land_on_business_day:
        end = land(end, calendar, at_time=step.at, on_business_day=step.land_on_business_day)
    return end


async def run_wait_until(walk: Walk, step: WaitUntilStep, frame: Frame, key: str, scope: Scope) -> Done:
    """Wait for the first (or all) of the alternatives, then walk what follows from it."""
    play = walk.play
    memo = play.state.memo.setdefault(key, {})
    if "came" not in memo:
        await _wait(walk, step, frame, key)
        await play.refresh_facts()
    came = memo["came"]
    output = {"came": came, "event": memo.get("event")}
    inner = frame.inside(key).with_names({"arrived": from_json(memo.get("event"))})
    play.keep_result(frame, step.id, output, None)
    if came is None:
        await walk.block(step.on_timeout, inner, scope)
    for alternative in step.alternatives:
        if came is not None and (step.join == "all" or alternative.name == came):
            await walk.block(alternative.then, inner, scope)
    return Done(output, detail=f"came: {came}" if came else "nothing came in time")


async def _wait(walk: Walk, step: WaitUntilStep, frame: Frame, key: str) -> None:
    play, memo = walk.play, walk.play.state.memo[key]
    wait = play.waiting.opened(key, shifts=step.while_paused == "shift")
    since = _since(walk, step, frame, wait.opened_at)

    def done() -> bool:
        return key in play.state.skips or _came(walk, step, frame, key, since)

    names = ", ".join(alternative.name for alternative in step.alternatives)
    play.progress.step(key, step, "waiting", detail=f"for {names}")
    finished = await walk.wait_for(key, done, step.up_to, frame, step.title or step.id, shifts=wait.shifts)
    if finished and "came" not in memo:
        raise Skip
    memo.setdefault("came", None)
    play.state.trace_line(f"came {key} {memo['came']}")


def _since(walk: Walk, step: WaitUntilStep, frame: Frame, opened: datetime) -> datetime:
    state = walk.play.state
    if step.since == "now":
        return opened
    outcome = state.outcomes.get(frame.key(step.since)) or state.outcomes.get(step.since)
    return outcome.at if outcome and outcome.at else state.started_at


def _came(walk: Walk, step: WaitUntilStep, frame: Frame, key: str, since: datetime) -> bool:
    """Look at the alternatives; note the first that came, or, of `all`, when none is missing."""
    memo = walk.play.state.memo[key]
    last: Arrived | None = None
    for alternative in step.alternatives:
        came, event = _alternative_came(walk, alternative, frame, since)
        last = event or last
        if came and step.join == "any":
            memo.update(came=alternative.name, event=event.fields if event else None)
            return True
        if not came and step.join == "all":
            return False
    if step.join == "all":
        memo.update(came="all", event=last.fields if last else None)
    return step.join == "all"


def _alternative_came(walk: Walk, alternative: Alternative, frame: Frame, since: datetime) -> tuple[bool, Arrived | None]:
    names = walk.play.names
    if alternative.event is None:
        return alternative.when is None or names.holds(alternative.when, frame), None
    for event in walk.play.state.events:
        if event.name != alternative.event or event.at < since:
            continue
        arrived: dict[str, Value] = {"arrived": from_json(event.fields)}
        if alternative.when is None or names.holds(alternative.when, frame.with_names(arrived)):
            return True, event
    return False, None
