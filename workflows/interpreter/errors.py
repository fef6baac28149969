"""How a walk leaves the ordinary way."""

from activities.contracts import RunInput


class Refused(Exception):
    """A person's command that cannot be followed. `code` is one of the codes that `workflows.messages.REFUSED` lists."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the stable code and the sentence for the person."""
        super().__init__(message)
        self.code = code
        self.message = message


class ContinueAsNew(Exception):
    """The play goes on in a fresh history, from `input`."""

    def __init__(self, run_input: RunInput) -> None:
        """Keep the input of the next history."""
        super().__init__("the play goes on in a fresh history")
        self.input = run_input


class StepFailed(Exception):
    """A step failed and its `on_error` did not take care of it: the play is rolled back unless a block around it catches."""

    def __init__(self, key: str, code: str, message: str) -> None:
        """Keep what `error.*`, the lists and the outcome show."""
        super().__init__(f"{key}: {message}")
        self.key = key
        self.code = code
        self.message = message

    def as_record(self) -> dict[str, str]:
        """Give the error as `error.*` shows it."""
        return {"code": self.code, "message": self.message, "step": self.key}


class Stopped(Exception):
    """A `stop` step: the play ends with this outcome."""

    def __init__(self, outcome: str, *, undo: bool, error: dict[str, str] | None = None) -> None:
        """Keep the author's outcome, or the error of a step whose `on_error` is `stop`."""
        super().__init__(outcome)
        self.outcome = outcome
        self.undo = undo
        self.error = error


class LeaveRepeat(Exception):
    """A `stop_repeat` step: the innermost repeat ends after this turn."""
