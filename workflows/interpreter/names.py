"""What names stand for at a place in a play, and the values of plan nodes there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from activities.contracts import JsonTree, RunInput
from playbook_dsl.expressions.evaluate import evaluator
from playbook_dsl.expressions.template import evaluate_node, print_value
from playbook_dsl.plan import Node
from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.values import Duration, Json, Value, from_json, to_json
from workflows.interpreter.state import RunState


@dataclass(frozen=True)
class Frame:
    """A place in the play: the turns and items around it (`prefix`, such as `loop[3].`), their names, the blocks around it.

    `steps` holds the results by step id; blocks share their parent's, each turn or item has its own copy.
    """

    prefix: str = ""
    path: tuple[str, ...] = ()
    local: Mapping[str, Value] = field(default_factory=dict)
    steps: dict[str, Value] = field(default_factory=dict)

    def key(self, step_id: str) -> str:
        """Give the key of a step here."""
        return self.prefix + step_id

    def inside(self, *blocks: str) -> "Frame":
        """Give the place inside these blocks, where the same names hold."""
        return replace(self, path=(*self.path, *blocks))

    def turn(self, key: str, number: int, names: Mapping[str, Value]) -> "Frame":
        """Give the place inside one turn or item of the loop `key`."""
        return Frame(f"{key}[{number}].", (*self.path, key, f"{key}[{number}]"), {**self.local, **names}, dict(self.steps))

    def with_names(self, names: Mapping[str, Value]) -> "Frame":
        """Give the same place with more names."""
        return replace(self, local={**self.local, **names})


class Names:
    """The names of one play, built from its state for each evaluation."""

    def __init__(self, run_input: RunInput, state: RunState, now: Callable[[], datetime]) -> None:
        """Take the fixed names from the input; facts and variables follow the state."""
        self._state = state
        self._now = now
        run, plan = run_input.run, run_input.plan
        trigger = run_input.trigger
        self._fixed: dict[str, Value] = {
            "inputs": from_json(dict(run_input.inputs)),
            "trigger": {"kind": trigger.kind, "id": trigger.id},
            "event": from_json(trigger.event) if trigger.event is not None else None,
            "tables": from_json(dict(plan.tables)),
            "at_start": from_json(state.at_start),
        }
        self._run: dict[str, Value] = {"id": run.run_id, "launch": run.launch, "version": run.version}
        self._facts: dict[str, Value] = {}
        self._vars: dict[str, Value] = {}
        self.calendar = BusinessCalendar.from_json(state.calendar) if state.calendar else BusinessCalendar()
        self.refresh()

    def refresh(self) -> None:
        """Take facts, variables and calendar from the state again, after they changed."""
        state = self._state
        self._facts = {name: from_json(tree) for name, tree in state.facts.items()}
        self._vars = {name: from_json(tree) for name, tree in state.vars.items()}
        if state.calendar:
            self.calendar = BusinessCalendar.from_json(state.calendar)

    def set_var(self, name: str, tree: JsonTree) -> None:
        """Name one more value as `vars.<name>`."""
        self._vars[name] = from_json(tree)

    def fact(self, root: str, name: str) -> Value:
        """Give a fact, or None when it is missing."""
        found = self._facts.get(root)
        return found.get(name) if isinstance(found, dict) else None

    def env(self, frame: Frame) -> dict[str, Value]:
        """Give everything that is in scope at `frame`, with the reserved names the evaluator asks for."""
        now = self._now()
        ending = self._state.ending
        env: dict[str, Value] = {
            **self._facts,
            **self._fixed,
            "vars": self._vars,
            "steps": frame.steps,
            "run": {**self._run, "outcome": ending.outcome if ending else None},
            **frame.local,
            "now": now,
            "today": now.astimezone(_zone(self.calendar.zone)).date(),
        }
        env["$zone"] = self.calendar.zone
        env["$calendar"] = self.calendar  # type: ignore[assignment]  # reserved names carry services, not values
        env["$in_play"] = self._state.plays_active.__contains__  # type: ignore[assignment]  # see above
        env["$open_tasks"] = lambda: self._state.open_tasks  # type: ignore[assignment]  # see above
        return env

    def value(self, source: str, frame: Frame) -> Value:
        """Evaluate an expression at `frame`."""
        return evaluator(source)(self.env(frame))

    def holds(self, source: str, frame: Frame) -> bool:
        """Say whether a condition holds; a missing answer is no."""
        return self.value(source, frame) is True

    def duration(self, source: str, frame: Frame) -> Duration:
        """Evaluate a duration; a missing one is no time at all."""
        found = self.value(source, frame)
        return found if isinstance(found, Duration) else Duration()

    def node(self, node: Node, frame: Frame) -> Value:
        """Give the value of a plan node at `frame`."""
        return evaluate_node(node, self.env(frame))

    def text(self, node: Node, frame: Frame) -> str:
        """Give a plan node as text for people."""
        env = self.env(frame)
        return print_value(evaluate_node(node, env), env)

    def nodes(self, nodes: Mapping[str, Node], frame: Frame) -> dict[str, JsonTree]:
        """Give the values of named plan nodes, in JSON form."""
        env = self.env(frame)
        return {name: to_json(evaluate_node(node, env)) for name, node in nodes.items()}


def json_of(values: Mapping[str, Value]) -> dict[str, Json]:
    """Give named values in JSON form."""
    return {name: to_json(value) for name, value in values.items()}


@lru_cache(maxsize=128)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
