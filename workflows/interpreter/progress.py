"""What people see of a play: its steps, one by one, and the sentence that says where it stands."""

from datetime import datetime

from activities.contracts import JsonTree, RunRecord
from playbook_dsl.plan import AnyStep
from workflows.interpreter.runtime import Runtime
from workflows.interpreter.state import RunState, StepView

_MARKS = {
    "done": "✓",
    "running": "▶",
    "waiting": "…",
    "skipped": "⤼",
    "failed": "✗",
    "held": "‖",
    "cancelled": "■",
    "undone": "↩",
    "conflict": "⚠",
    "undo_failed": "✗↩",
}
MAX_DETAIL_STEPS = 100
OPEN = ("running", "waiting", "held")


class Progress:
    """Keeps the step records, and writes those that changed."""

    def __init__(self, runtime: Runtime, state: RunState, template: RunRecord, heading: str) -> None:
        """Start from the saved steps; `template` names the play."""
        self._runtime = runtime
        self._state = state
        self._template = template
        self._heading = heading
        self._dirty: dict[str, None] = {}
        self._last_state = ""

    def step(
        self,
        key: str,
        step: AnyStep,
        status: str,
        *,
        detail: str | None = None,
        output: dict[str, JsonTree] | None = None,
        error: dict[str, JsonTree] | None = None,
    ) -> None:
        """Note what a step is doing now."""
        now = self._runtime.now()
        view = self._state.steps.get(key)
        if view is None:
            kind = step.action if step.kind == "action" else step.kind
            view = self._state.steps[key] = StepView(key, step.title or step.id, kind, status, started_at=now)
        view.status, view.detail, view.output, view.error = status, detail, output, error
        view.ended_at = None if status in OPEN else now
        self._dirty[key] = None

    def close_open_steps(self) -> None:
        """Note that what was under way is broken off."""
        for key, view in self._state.steps.items():
            if view.status in OPEN:
                view.status, view.ended_at = "cancelled", self._runtime.now()
                self._dirty[key] = None

    def undone(self, key: str, title: str, status: str, detail: str | None) -> None:
        """Note what came of taking a step's effect back."""
        view = self._state.steps.get(key)
        if view is None:
            view = self._state.steps[key] = StepView(key, title, "undo", status, started_at=self._runtime.now())
        view.status, view.detail = status, detail
        self._dirty[key] = None

    async def flush(self, state: str, *, outcome: str | None = None, saved: dict[str, JsonTree] | None = None) -> None:
        """Write what changed since the last time; nothing when nothing did."""
        if not self._dirty and state == self._last_state:
            return
        steps = tuple(self._state.steps[key].record() for key in self._dirty)
        self._dirty.clear()
        self._last_state = state
        self._state.records += 1
        self._runtime.show(lambda: self.details(state))
        ending = self._state.ending
        await self._runtime.record(
            self._template.model_copy(
                update={
                    "state": state,
                    "at": self._runtime.now(),
                    "sequence": self._state.records,
                    "progress": self.sentence(),
                    "outcome": outcome,
                    "error": ending.error if ending else None,
                    "steps": steps,
                    "saved": saved,
                }
            )
        )

    def sentence(self) -> str:
        """Give where the play stands in one sentence."""
        open_steps = [step for step in self._state.steps.values() if step.status in OPEN]
        if not open_steps:
            return f"{sum(step.status == 'done' for step in self._state.steps.values())} steps done"
        step = open_steps[-1]
        return f"{step.status}: {step.title}" + (f" ({step.detail})" if step.detail else "")

    def details(self, state: str) -> str:
        """Give the play's step list as Markdown, newest at the end."""
        lines = [f"### {self._heading}", f"**{state}** · {self.sentence()}", ""]
        steps = list(self._state.steps.values())
        if len(steps) > MAX_DETAIL_STEPS:
            lines.append(f"… {len(steps) - MAX_DETAIL_STEPS} earlier steps")
        lines += [_line(step) for step in steps[-MAX_DETAIL_STEPS:]]
        return "\n".join(lines)


def _line(step: StepView) -> str:
    mark = _MARKS.get(step.status, "·")
    detail = f": {step.detail}" if step.detail else ""
    moment = _short(step.ended_at or step.started_at)
    return f"- {mark} **{step.title}** `{step.key}` {step.status}{detail}{moment}"


def _short(at: datetime | None) -> str:
    return f" · {at:%Y-%m-%d %H:%M}" if at else ""
