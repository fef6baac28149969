"""Who enters a play, in words."""

from collections.abc import Callable, Iterator, Mapping

from playbook_dsl.enrollment import Enroll, Trigger
from playbook_dsl.explain.words import condition_words, duration_words, list_words, node_words, owner_words, share_words
from playbook_dsl.plan import Node, Plan
from playbook_dsl.timing.schedule import WrongSchedule, in_words, read_schedule


def enrollment_lines(plan: Plan) -> Iterator[str]:
    """Give who enters, when, how often and how many at once; one sentence a line."""
    enroll = plan.enroll
    if enroll is None:
        yield "Accounts enter only when somebody starts the play by hand or through the API."
        return
    yield from _ways_in(enroll)
    if enroll.audience:
        yield f"Only accounts where {condition_words(enroll.audience)}."
    for kept in enroll.suppress:
        after = {"drop": "do not enter", "delay": "wait until that is over"}[kept.then]
        yield f"Accounts where {condition_words(kept.when)} {after}."
    yield from _repetition(enroll)
    yield from _numbers(enroll)


def _ways_in(enroll: Enroll) -> Iterator[str]:
    by_hand = f"somebody with the role {list_words(enroll.start_roles, 'or')}" if enroll.start_roles else "somebody"
    if not enroll.triggers:
        yield f"An account enters when {by_hand} starts the play by hand or through the API."
        return
    yield f"An account enters when {by_hand} starts the play by hand or through the API, or when:"
    for trigger in enroll.triggers:
        yield f"  - {trigger_words(trigger)}"
    if enroll.existing != "preview":
        yield _EXISTING[enroll.existing]
    else:
        yield "Accounts that match already when this is published are shown first; nobody enters without a yes."


_EXISTING = {
    "include": "Accounts that match already when this is published enter at once.",
    "only_new": "Accounts that match already when this is published do not enter.",
}


def trigger_words(trigger: Trigger) -> str:
    """Give one way in as half a sentence."""
    words = _TRIGGERS[trigger.kind](trigger.spec)
    if trigger.when:
        words += f", if {condition_words(trigger.when)}"
    if trigger.settle:
        words += f" (data may settle for {duration_words(trigger.settle)})"
    return words


Spec = Mapping[str, Node]


def _time(node: Node) -> str:
    """Give a duration or expression of a trigger in words."""
    match node:
        case {"count": count, "per": {"$expr": str(span)}}:
            return f"{count} per {span.removeprefix('1 ')}"
        case {"count": count}:
            return str(count)
        case {"$expr": str(source)}:
            return duration_words(source)
        case str(text):
            return duration_words(text)
    return node_words(node)


def _event(spec: Spec) -> str:
    words = f"the event {node_words(spec.get('event'))} arrives"
    if spec.get("accounts") is not None:
        accounts = _time(spec["accounts"])
        words += " (for all accounts of the audience)" if accounts == "audience" else f" (for the accounts in {accounts})"
    return words + (f", and for accounts that join later while {_time(spec['while'])}" if spec.get("while") else "")


def _score(spec: Spec) -> str:
    words = f"the {node_words(spec.get('score'))} score"
    for key, verb in (("drops_below", "drops below"), ("rises_above", "rises above")):
        if spec.get(key) is not None:
            words += f" {verb} {node_words(spec[key])}"
    words += f" from {node_words(spec['from'])}" if spec.get("from") is not None else ""
    return words + _within(spec)


def _within(spec: Spec) -> str:
    words = f" within {_time(spec['within'])}" if spec.get("within") is not None else ""
    return words + (f" and stays there for {_time(spec['for'])}" if spec.get("for") is not None else "")


def _becomes(spec: Spec) -> str:
    return f"it becomes true that {_time(spec.get('becomes'))}" + (f" and stays so for {_time(spec['for'])}" if spec.get("for") else "")


def _change(spec: Spec) -> str:
    words = f"{_time(spec.get('change'))} changes"
    words += f" from {node_words(spec['from'])}" if spec.get("from") is not None else ""
    return words + (f" to {node_words(spec['to'])}" if spec.get("to") is not None else "")


def _segment(spec: Spec) -> str:
    for key in ("enters", "leaves"):
        if spec.get(key) is True:
            return f"it {key} the segment {node_words(spec.get('segment'))}"
    return f"the segment {node_words(spec.get('segment'))} changes"


def _date(spec: Spec) -> str:
    date = _time(spec.get("date"))
    late = ", also when that moment has passed already" if spec.get("late") == "enter" else ""
    for key in ("before", "after"):
        if spec.get(key) is not None:
            return f"it is {_time(spec[key])} {key} {date}{late}"
    return f"it is the day of {date}{late}"


def _unchanged(spec: Spec) -> str:
    return f"{_time(spec.get('unchanged'))} has not changed for {_time(spec.get('for'))}"


def _schedule(spec: Spec) -> str:
    try:
        return in_words(read_schedule(spec.get("schedule", spec)))
    except WrongSchedule:
        return "its schedule comes round"


_TRIGGERS: dict[str, Callable[[Spec], str]] = {
    "event": _event,
    "score": _score,
    "becomes": _becomes,
    "change": _change,
    "segment": _segment,
    "date": _date,
    "unchanged": _unchanged,
    "schedule": _schedule,
}


def _repetition(enroll: Enroll) -> Iterator[str]:
    same = f" with the same {condition_words(enroll.again_key)}" if enroll.again_key else ""
    if enroll.again_after:
        yield f"An account{same} may enter again after {duration_words(enroll.again_after)}."
    elif enroll.again_key:
        yield f"An account enters once for each {condition_words(enroll.again_key)}."
    else:
        yield "An account enters once."
    yield _WHILE_ACTIVE[enroll.while_active]


_WHILE_ACTIVE = {
    "ignore": "While its play runs, a second enrollment is ignored.",
    "queue": "While its play runs, a second enrollment waits for the end.",
    "restart": "While its play runs, a second enrollment ends it and starts anew.",
    "alongside": "While its play runs, a second one may run alongside.",
}


def _numbers(enroll: Enroll) -> Iterator[str]:
    if enroll.holdout:
        yield _holdout(enroll.holdout)
    if enroll.limits:
        limits = (f"{name.replace('_', ' ')} {_time(value)}" for name, value in enroll.limits.items())
        yield f"Limits: {', '.join(limits)}."
    if enroll.budget:
        per = f", counted per {node_words(enroll.budget['per'])} over all plays" if enroll.budget.get("per") else " over all plays"
        channels = (f"{name} {_time(value)}" for name, value in enroll.budget.items() if name != "per")
        yield f"Messages: at most {', '.join(channels)}{per}."
    if enroll.priority:
        yield f"Priority {enroll.priority}."
    if enroll.launch:
        yield from _launch(enroll.launch)


def _holdout(holdout: Mapping[str, Node]) -> str:
    share = holdout.get("share")
    words = share_words(share) if isinstance(share, int | float) and not isinstance(share, bool) else node_words(share)
    stratify = holdout.get("stratify")
    per = f", alike in every {list_words(map(_time, stratify))}" if isinstance(stratify, list | tuple) and stratify else ""
    measure = f", to measure {node_words(holdout['measure'])}" if holdout.get("measure") else ""
    return f"{words} of the accounts are held out{per}{measure}."


def _launch(launch: Mapping[str, Node]) -> Iterator[str]:
    approve = launch.get("approve")
    if isinstance(approve, Mapping) and approve.get("by"):
        by = approve["by"]
        yield f"A launch for a whole list is approved by {owner_words([by] if isinstance(by, str) else map(str, by))}."
    waves = launch.get("waves")
    if isinstance(waves, list | tuple) and waves:
        shares = (share_words(wave) if isinstance(wave, int | float) else node_words(wave) for wave in waves)
        yield f"It goes out in waves: {', '.join(shares)}."
    gate = launch.get("gate")
    if isinstance(gate, Mapping):
        halt = f" and only unless {_time(gate['halt_if'])}" if gate.get("halt_if") is not None else ""
        yield f"The next wave leaves after {_time(gate.get('after'))}{halt}."
