"""A sentence for every kind of step."""

import re
from collections.abc import Callable
from typing import TypeVar

from playbook_dsl.catalog import Catalog
from playbook_dsl.explain.words import (
    cause_words,
    condition_words,
    counted,
    duration_words,
    list_words,
    node_words,
    owner_words,
    quoted,
)
from playbook_dsl.plan import (
    ActionStep,
    Alternative,
    AskStep,
    BranchStep,
    ForEachStep,
    LockStep,
    Node,
    ParallelStep,
    PlayStep,
    RepeatStep,
    SetStep,
    SplitStep,
    StageStep,
    Step,
    StopRepeatStep,
    StopStep,
    TogetherStep,
    WaitStep,
    WaitUntilStep,
)

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOVED_DATE = re.compile(r"(.+?) ([-+]) (\d[\d.]* ?[a-z ]+)")
S = TypeVar("S")


def sentence(step: Step, catalog: Catalog) -> str:
    """Give what a step does as one sentence without its full stop, beginning with a verb in the imperative."""
    for kind, say in _SENTENCES:
        if isinstance(step, kind):
            return say(step, catalog)
    raise TypeError(f"no sentence for {type(step).__name__}")


def _action(step: ActionStep, catalog: Catalog) -> str:
    inputs = _said_inputs(step, catalog)
    say = _ACTIONS.get(step.action)
    words = say(inputs) if say else _any_action(step.action, inputs, catalog)
    if step.wait:
        words += ", and the play waits until it is done"
    if step.review:
        words += f"; before it leaves, {owner_words(step.review.by)} looks at it"
        if step.review.up_to:
            words += f" (without an answer after {duration_words(step.review.up_to)} it is {_REVIEWED[step.review.on_timeout]})"
    return words


_REVIEWED = {"send": "sent", "skip": "not sent"}


def _said_inputs(step: ActionStep, catalog: Catalog) -> dict[str, Node]:
    """Give the inputs that say something: not those that are empty or what the action assumes anyway."""
    known = catalog.actions.get(step.action)
    usual = {name: param.default for name, param in known.inputs.items() if param.default is not None} if known else {}
    return {name: value for name, value in step.inputs.items() if value not in (None, "", [], {}) and value != usual.get(name)}


def _any_action(action: str, inputs: dict[str, Node], catalog: Catalog) -> str:
    known = catalog.actions.get(action)
    title = known.title if known and known.title else action
    return f"{title} ({action})" + (f": {_listed(inputs)}" if inputs else "")


def _listed(inputs: dict[str, Node]) -> str:
    return "; ".join(f"{name.replace('_', ' ')} {_value_words(value)}" for name, value in inputs.items())


def _value_words(value: Node) -> str:
    """Give a value; of a form only the names of its fields."""
    if isinstance(value, list) and value and all(isinstance(item, dict) and {"name", "type"} <= item.keys() for item in value):
        return f"asks for {list_words(str(item['name']).replace('_', ' ') for item in value)}"
    return node_words(value)


def _people(node: Node) -> str:
    texts = node if isinstance(node, list | tuple) else [node]
    return owner_words(text if isinstance(text, str) else node_words(text) for text in texts)


def _rest(inputs: dict[str, Node], *known: str) -> str:
    others = _listed({name: value for name, value in inputs.items() if name not in known})
    return f"; {others}" if others else ""


def _create_task(inputs: dict[str, Node]) -> str:
    owner = f" to {_people(inputs['owner'])}" if "owner" in inputs else ""
    due = f", due {_due(inputs['due'])}" if inputs.get("due") is not None else ""
    return f"Give the task {quoted(node_words(inputs.get('title', '')))}{owner}{due}{_rest(inputs, 'title', 'owner', 'due')}"


def _due(node: Node) -> str:
    source = node.get("$expr") if isinstance(node, dict) else node
    if not isinstance(source, str):
        return node_words(node)
    if span := MOVED_DATE.fullmatch(source):
        day, sign, duration = span.groups()
        return f"{duration_words(duration)} {'before' if sign == '-' else 'after'} {condition_words(day)}"
    words = duration_words(source)
    return f"in {words}" if words[:1].isdigit() else words


def _send_mail(inputs: dict[str, Node]) -> str:
    return _send("e-mail", inputs)


def _send(what: str, inputs: dict[str, Node]) -> str:
    name = f" {quoted(node_words(inputs['template']))}" if "template" in inputs else ""
    to = f" to {_people(inputs['to'])}" if "to" in inputs else ""
    sender = f", from {_people(inputs['from'])}" if "from" in inputs else ""
    return f"Send the {what}{name}{to}{sender}{_rest(inputs, 'template', 'to', 'from')}"


def _open_cta(inputs: dict[str, Node]) -> str:
    owner = f" for {_people(inputs['owner'])}" if "owner" in inputs else ""
    kind = f" of type {node_words(inputs['type'])}" if "type" in inputs else ""
    return f"Open a CTA{kind}{owner}{_rest(inputs, 'type', 'owner')}"


_ACTIONS: dict[str, Callable[[dict[str, Node]], str]] = {
    "task.create": _create_task,
    "email.send": _send_mail,
    "sms.send": lambda inputs: _send("text message", inputs),
    "cta.open": _open_cta,
}


def _wait(step: WaitStep, _: Catalog) -> str:
    words = "Wait"
    if step.for_:
        words += f" {duration_words(step.for_)}"
    if step.until:
        words += f" until {condition_words(step.until)}"
    if step.until_words:
        words += f" until {step.until_words}"
    if step.at:
        words += f", then until {step.at}" if step.for_ else f" at {step.at}" if step.until or step.until_words else f" until {step.at}"
    return words + (", moved on to a business day" if step.land_on_business_day else "")


def _wait_until(step: WaitUntilStep, _: Catalog) -> str:
    joined = list_words((_alternative(one) for one in step.alternatives), "or" if step.join == "any" else "and")
    since = {"start": "", "now": " from now on"}.get(step.since, f" since step {quoted(step.since)}")
    return f"Wait until {joined}{since}" + (f", at most {duration_words(step.up_to)}" if step.up_to else "")


def _alternative(one: Alternative) -> str:
    return f"{cause_words(one.event, one.when)} ({one.name})"


def _ask(step: AskStep, _: Catalog) -> str:
    who = list_words(map(owner_words, ([one] for one in step.by))) if step.ask_each else owner_words(step.by)
    verb = "for approval" if step.approval else "to answer"
    words = f"Ask {who} {verb}" + (f": {quoted(node_words(step.question))}" if step.question is not None else "")
    if step.form:
        words += f" ({list_words(field.name.replace('_', ' ') for field in step.form)})"
    if step.ask_each and step.need != 1:
        words += f"; {'all' if step.need == 0 else step.need} of them must {'agree' if step.approval else 'answer'}"
    if step.remind:
        words += f"; remind after {duration_words(step.remind)}"
    for level in step.escalate:
        words += f"; after {duration_words(level.after)} also ask {owner_words(level.to)}"
    return words + _decision(step)


def _decision(step: AskStep) -> str:
    if step.timeout_decision is None:
        return f"; at most {duration_words(step.up_to)}" if step.up_to and not step.on_timeout else ""
    meaning = {"approve": "it counts as a yes", "reject": "it counts as a no", "escalate": "it goes one level up"}[step.timeout_decision]
    after = f"after {duration_words(step.up_to)}" if step.up_to else "when the time is up"
    return f"; without an answer {after} {meaning}"


def _branch(step: BranchStep, _: Catalog) -> str:
    return f"Choose the first that holds of {counted(len(step.cases), 'case')}"


def _parallel(step: ParallelStep, _: Catalog) -> str:
    names = list_words(quoted(branch.name) for branch in step.branches)
    if step.first == 0:
        return f"Do {names} side by side and wait for all of them"
    first = f"the first {step.first}" if step.first > 1 else "the first"
    if step.rest == "finish":
        return f"Do {names} side by side; {first} decide{'' if step.first > 1 else 's'}, and the play goes on when the rest is finished too"
    rest = {"undo": "cancelled and undone", "keep": "cancelled, its effects stay"}[step.rest]
    return f"Do {names} side by side and go on with {first}; the rest is {rest}"


def _for_each(step: ForEachStep, _: Catalog) -> str:
    words = f"For each {quoted(step.as_)} of {condition_words(step.items)}"
    words += f" where {condition_words(step.where)}" if step.where else ""
    words += f", the first {step.limit}" if step.limit is not None else ""
    words += f", {step.at_once} at once" if step.at_once > 1 else ", one after the other"
    for name, condition in step.counts.items():
        words += f"; count as {quoted(name)} when {condition_words(condition)}"
    words += f"; stop early when {condition_words(step.until)}" if step.until else ""
    return words + (f"; {step.enough} are enough" if step.enough is not None else "")


def _repeat(step: RepeatStep, _: Catalog) -> str:
    words = f"Repeat at most {counted(step.at_most, 'time')}"
    words += f", every {duration_words(step.every)}" if step.every else ""
    if step.weekdays:
        words += f", every {list_words(WEEKDAYS[day % 7] for day in step.weekdays)}"
    words += f" at {step.at}" if step.at else ""
    return words + (f", until {condition_words(step.until)}" if step.until else "")


def _stage(step: StageStep, _: Catalog) -> str:
    words = f"Stage {quoted(step.title or step.id)}"
    words += f", at most {duration_words(step.up_to)}" if step.up_to else ""
    for leave in step.exits:
        words += f"; left early when {cause_words(leave.event, leave.when)}"
    return words


def _together(_: TogetherStep, __: Catalog) -> str:
    return "Do these together: when one fails, all of them are undone"


def _lock(step: LockStep, _: Catalog) -> str:
    patience = f", waiting for it at most {duration_words(step.up_to)}" if step.up_to else ""
    return f"Hold the lock {quoted(step.name)} of the account{patience}, so that no other play does the same meanwhile"


def _play(step: PlayStep, _: Catalog) -> str:
    words = f"{'Run' if step.wait else 'Start'} the playbook {quoted(step.playbook)} on the same account"
    words += f" with {node_words(step.inputs)}" if step.inputs else ""
    return words + (" and wait for its end" if step.wait else " without waiting for it")


def _set(step: SetStep, _: Catalog) -> str:
    named = (f"{name.replace('_', ' ')} = {node_words(value)}" for name, value in step.values.items())
    return f"Note {list_words(named)}"


def _stop(step: StopStep, _: Catalog) -> str:
    return f"End the play as {quoted(step.outcome)}" + (" and undo what it did" if step.undo else "")


def _stop_repeat(_: StopRepeatStep, __: Catalog) -> str:
    return "Leave the repetition"


def _split(step: SplitStep, _: Catalog) -> str:
    return f"Choose by chance, once for each account, one of {counted(len(step.variants), 'variant')}"


def _saying(kind: type[S], say: Callable[[S, Catalog], str]) -> tuple[type, Callable[..., str]]:
    return kind, say


_SENTENCES: tuple[tuple[type, Callable[..., str]], ...] = (
    _saying(ActionStep, _action),
    _saying(WaitStep, _wait),
    _saying(WaitUntilStep, _wait_until),
    _saying(AskStep, _ask),
    _saying(BranchStep, _branch),
    _saying(ParallelStep, _parallel),
    _saying(ForEachStep, _for_each),
    _saying(RepeatStep, _repeat),
    _saying(StageStep, _stage),
    _saying(TogetherStep, _together),
    _saying(LockStep, _lock),
    _saying(PlayStep, _play),
    _saying(SetStep, _set),
    _saying(StopStep, _stop),
    _saying(StopRepeatStep, _stop_repeat),
    _saying(SplitStep, _split),
)
