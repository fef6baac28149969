"""What people tell a play: checked first, carried out once per request id."""

from collections.abc import Callable

from activities.contracts import JsonTree
from workflows.interpreter.errors import Refused
from workflows.interpreter.play import Play
from workflows.interpreter.state import Asked, Ending, Pause
from workflows.messages import Command, CommandAnswer

MAX_HANDLED = 500


class Commands:
    """Checks and carries out commands on a play."""

    def __init__(self, play: Play) -> None:
        """Command this play."""
        self._play = play
        self._do: dict[str, Callable[[Command], str | None]] = {
            "pause": self._pause,
            "resume": self._resume,
            "cancel": self._cancel,
            "undo": self._undo,
            "answer": self._answer,
            "retry": self._decide,
            "skip": self._skip,
            "edit": self._edit,
        }

    def check(self, command: Command) -> None:
        """Raise Refused when the command cannot be followed now. Changes nothing."""
        state = self._play.state
        if command.request_id in state.handled:
            return
        if state.ending is not None:
            raise Refused("closing", f"the play is already ending ({state.ending.outcome})")
        if command.do in ("answer", "retry", "skip", "edit") and not command.key:
            raise Refused("no_such_step", "say which step is meant")
        if command.do == "answer":
            self._check_answer(command)
        elif command.do in ("retry", "edit") and command.key not in state.holds:
            raise Refused("not_held", f'step "{command.key}" is not held')
        elif command.do == "skip":
            self._check_skip(command)

    def _check_skip(self, command: Command) -> None:
        state = self._play.state
        key = str(command.key)
        if key in state.outcomes:
            raise Refused("not_open", f'step "{key}" has ended already')
        if key not in state.steps and key.rsplit("].", 1)[-1] not in self._step_ids():
            raise Refused("no_such_step", f'the play has no step "{key}"')

    def _step_ids(self) -> set[str]:
        return self._play.step_ids

    def _check_answer(self, command: Command) -> None:
        asked = self._play.state.asks.get(str(command.key))
        if asked is None:
            raise Refused("not_open", f'step "{command.key}" asks nothing')
        if not asked.open or asked.enough:
            raise Refused("not_open", f'step "{command.key}" has been answered already, or its time is over')
        if any(answer.get("$by") == command.by for answer in asked.answers):
            # It would count for nothing, and close the question that somebody else has to answer.
            raise Refused("not_allowed", f'step "{command.key}" has the answer of {command.by} already and waits for other people')
        _check_form(asked, command.answers)

    def carry_out(self, command: Command) -> CommandAnswer:
        """Carry a command out; a repeated request gets the answer of the first time."""
        state = self._play.state
        earlier = state.handled.get(command.request_id)
        if earlier is not None:
            return CommandAnswer.model_validate({**earlier, "changed": False})
        self.check(command)
        message = self._do[command.do](command)
        state.trace_line(f"command {command.do} {command.key or ''}".rstrip())
        answer = CommandAnswer(changed=message is not None, state=self._play.state_word(), message=message or "nothing to do")
        state.handled[command.request_id] = answer.model_dump(mode="json")
        while len(state.handled) > MAX_HANDLED:
            state.handled.pop(next(iter(state.handled)))
        self._play.changed()
        return answer

    def _pause(self, _command: Command) -> str | None:
        if self._play.state.paused:
            return None
        self._play.state.pauses.append(Pause(self._play.runtime.now()))
        return "paused: the next step waits until the play is resumed"

    def _resume(self, _command: Command) -> str | None:
        if not self._play.state.paused:
            return None
        self._play.state.pauses[-1].ended_at = self._play.runtime.now()
        return "resumed"

    def _cancel(self, command: Command) -> str | None:
        ending = Ending("undone" if command.undo else "cancelled", undo="all" if command.undo else "none", force=command.force)
        self._play.end(ending)
        return "cancelled, and what was done is taken back" if command.undo else "cancelled"

    def _undo(self, command: Command) -> str | None:
        if command.key is not None:
            if command.key not in self._play.state.holds:
                raise Refused("not_held", f'step "{command.key}" is not held')
            return self._decide(command)
        self._play.end(Ending("undone", undo="all", force=command.force))
        return "what was done is taken back"

    def _answer(self, command: Command) -> str | None:
        asked = self._play.state.asks[str(command.key)]
        defaults = {field["name"]: field["default"] for field in asked.form if field.get("default") is not None}
        asked.answers.append({**defaults, **command.answers, "$by": command.by})
        return "answered"

    def _decide(self, command: Command) -> str | None:
        held = self._play.state.holds[str(command.key)]
        held.decision = "undo" if command.do == "undo" else "retry"
        return "the step is tried again" if command.do == "retry" else "the play is undone"

    def _skip(self, command: Command) -> str | None:
        key = str(command.key)
        held = self._play.state.holds.get(key)
        if held is not None:
            held.decision = "skip"
        else:
            self._play.state.skips.append(key)
        return f'step "{key}" is skipped'

    def _edit(self, command: Command) -> str | None:
        key = str(command.key)
        held = self._play.state.holds[key]
        # An edit that was refused must not stay in the way of the next one.
        earlier = {} if held.code == "BadInput" else self._play.state.edits.get(key, {})
        self._play.state.edits[key] = {**earlier, **command.inputs}
        held.decision = "retry"
        return "the step is tried again with the edited inputs"


_KINDS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "one_of": (str,),
    "person": (str,),
    "contact": (str, dict),
    "account": (str,),
    "integer": (int,),
    "number": (int, float),
    "bool": (bool,),
    "date": (str, dict),
    "duration": (str, dict),
    "money": (dict, int, float),
    "list": (list,),
}


def _check_form(asked: Asked, answers: dict[str, JsonTree]) -> None:
    """Check answers against what was asked. Raises Refused("bad_answer") naming the field."""
    if asked.approval:
        if not isinstance(answers.get("approved"), bool):
            raise Refused("bad_answer", '"approved" must be true or false')
        return
    fields = {field["name"]: field for field in asked.form}
    for name in answers:
        if name not in fields:
            raise Refused("bad_answer", f'the form has no field "{name}"; it has {", ".join(sorted(fields)) or "none"}')
    for name, field in fields.items():
        if name not in answers:
            if field.get("required", True) and field.get("default") is None:
                raise Refused("bad_answer", f'"{name}" is missing')
            continue
        _check_field(name, field, answers[name])


def _check_field(name: str, field: dict[str, JsonTree], value: JsonTree) -> None:
    kind = field["type"]
    wrong_bool = isinstance(value, bool) and kind in ("integer", "number", "money")
    if wrong_bool or not isinstance(value, _KINDS.get(kind, (object,))):
        raise Refused("bad_answer", f'"{name}" must be of type {kind}')
    options = field.get("options")
    if options and value not in options:
        raise Refused("bad_answer", f'"{name}" must be one of {", ".join(options)}')
    if isinstance(value, int | float):
        low, high = field.get("minimum"), field.get("maximum")
        if (low is not None and value < low) or (high is not None and value > high):
            raise Refused("bad_answer", f'"{name}" must be between {low} and {high}')
