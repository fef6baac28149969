"""What the outside of a tested play answers: mocked results by step id, and believable ones for all other calls."""

from collections import Counter
from datetime import date, datetime

from activities.contracts import ActionCall, ActionResult, JsonTree, UndoResult
from playbook_dsl.catalog import ActionDef, Catalog
from playbook_dsl.nodes import Mapping, Node, Scalar, Sequence
from playbook_dsl.plan import ActionStep, Plan, PlayStep, walk
from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.durations import add
from playbook_dsl.timing.moments import start_of_day
from playbook_dsl.types import Type
from playbook_dsl.values import Duration, Value, from_json, to_json
from simulation.runtime import Failure, Reply
from simulation.testing.literals import Literals

_OWN_KEYS = ("error", "message", "unknown", "nobody")


def step_of(key: str) -> str:
    """Give the step id at the end of a step key such as `loop[3].mail`."""
    return key.rsplit("].", 1)[-1]


class Mocks:
    """The mocked replies of one test, checked against the playbook and the catalog."""

    def __init__(self, plan: Plan, catalog: Catalog, literals: Literals) -> None:
        """Know the steps that can be mocked."""
        steps = [*walk(plan.steps), *walk(plan.finally_), *(step for leave in plan.exits for step in walk(leave.steps))]
        self.actions: dict[str, ActionStep] = {step.id: step for step in steps if isinstance(step, ActionStep)}
        self.plays: dict[str, PlayStep] = {step.id: step for step in steps if isinstance(step, PlayStep)}
        self._catalog = catalog
        self._literals = literals
        self._replies: dict[str, list[Failure | dict[str, JsonTree]]] = {}
        self._used: Counter[str] = Counter()

    def read(self, mocks: Mapping | None) -> dict[str, str]:
        """Take the mocks; gives the outcomes of sub-plays by playbook."""
        outcomes: dict[str, str] = {}
        for entry in mocks.entries if mocks else ():
            step_id = entry.key.text
            if step_id in self.plays:
                outcome = entry.value.get("outcome") if isinstance(entry.value, Mapping) else entry.value
                outcomes[self.plays[step_id].playbook] = outcome.text if isinstance(outcome, Scalar) else "completed"
            elif self._known(entry.key):
                nodes = entry.value.items if isinstance(entry.value, Sequence) else [entry.value]
                self._replies[step_id] = [reply for node in nodes if (reply := self._reply(node, step_id)) is not None]
        return outcomes

    def read_undo(self, mocks: Mapping | None) -> dict[str, UndoResult | Failure]:
        """Take the replies to undoing steps: conflict, nothing, or an error."""
        found: dict[str, UndoResult | Failure] = {}
        for entry in mocks.entries if mocks else ():
            if not self._known(entry.key):
                continue
            if isinstance(entry.value, Mapping):
                reply = self._reply(entry.value, entry.key.text)
                if isinstance(reply, Failure):
                    found[entry.key.text] = reply
                    continue
            text = entry.value.text if isinstance(entry.value, Scalar) else ""
            if text in ("conflict", "nothing"):
                found[entry.key.text] = UndoResult(status="conflict" if text == "conflict" else "nothing")
            else:
                message = f'undoing "{entry.key.text}" cannot answer this'
                hint = "write conflict, nothing or {error: Unavailable}"
                self._literals.report.error("PB115", entry.value.span, message, hint=hint)
        return found

    def _known(self, key: Scalar) -> bool:
        if key.text in self.actions:
            return True
        message = f'no step that does something has the id "{key.text}"'
        self._literals.report.error("PB201", key.span, message, suggest=(key.text, (*self.actions, *self.plays)))
        return False

    def _reply(self, node: Node, step_id: str) -> Failure | dict[str, JsonTree] | None:
        report = self._literals.report
        if not isinstance(node, Mapping):
            report.error("PB110", node.span, f'the reply to "{step_id}" takes a map', hint="write {message_id: m1} or {error: Unavailable}")
            return None
        error = node.get("error")
        if isinstance(error, Scalar):
            message = node.get("message")
            return Failure(error.text, message.text if isinstance(message, Scalar) else "mocked")
        action = self._catalog.actions.get(self.actions[step_id].action)
        outputs = action.outputs if action else {}
        own = {entry.key.text: True for entry in node.entries if entry.key.text in _OWN_KEYS}
        rest = Mapping(node.span, [entry for entry in node.entries if entry.key.text not in _OWN_KEYS])
        values = self._literals.record(rest, Type("record", fields=outputs, open=action is None), f'the result of "{step_id}"')
        return {**{name: to_json(value) for name, value in values.items()}, **{f"${name}": True for name in own}}

    def reply(self, call: ActionCall, now: datetime, calendar: BusinessCalendar) -> Reply:
        """Answer an attempt: a list of mocks serves attempt after attempt, and its last one all that follow."""
        step_id = step_of(call.key)
        replies = self._replies.get(step_id)
        mocked: Failure | dict[str, JsonTree] = {}
        if replies:
            mocked = replies[min(self._used[step_id], len(replies) - 1)]
            self._used[step_id] += 1
        if isinstance(mocked, Failure):
            return mocked
        if "$nobody" in mocked:
            return ActionResult(status="skipped", note="nobody to send to")
        action = self._catalog.actions.get(call.action)
        output = believable(action, call, now, calendar) if action else {}
        output |= {name: value for name, value in mocked.items() if not name.startswith("$")}
        step = self.actions.get(step_id)
        live = f"{call.action.partition('.')[0]}:{call.key}" if (step and step.live) or (action and action.live) else None
        return ActionResult(output=output, status="unknown" if "$unknown" in mocked else "done", live=live)


def believable(action: ActionDef, call: ActionCall, now: datetime, calendar: BusinessCalendar) -> dict[str, JsonTree]:
    """Give a result that fits the action's contract: what the inputs say, else the least that its types allow."""
    output: dict[str, JsonTree] = {}
    for name, kind in action.outputs.items():
        if name == "due_at":
            due = due_moment(call.inputs.get("due"), now, calendar)
            output[name] = to_json(due) if due else None
        elif call.inputs.get(name) is not None and kind.kind == "text":
            said = call.inputs[name]
            output[name] = str(said[0] if isinstance(said, list) and said else said)
        elif not kind.optional:
            output[name] = to_json(_least(name, kind, call.key, now))
    return output


def _least(name: str, kind: Type, key: str, now: datetime) -> Value:
    match kind.kind:
        case "text":
            return kind.options[0] if kind.options else f"{name.removesuffix('_id')}-{key}"
        case "number":
            return 0
        case "bool":
            return True
        case "list":
            return []
        case "record":
            return {}
        case "datetime":
            return now
        case "date":
            return now.date()
    return None


def due_moment(due: JsonTree, now: datetime, calendar: BusinessCalendar) -> datetime | None:
    """Give the moment a `due` input means: a span from now, a date (its closing time), a moment, or a span before or after a date."""
    value = from_json(due)
    if isinstance(value, Duration):
        return add(now, value, calendar)
    if isinstance(value, datetime):
        return value
    return start_of_day(value, calendar, calendar.closes) if isinstance(value, date) else None
