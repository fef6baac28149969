"""What can be left as a whole: the play, a stage, a branch."""

import asyncio
from dataclasses import dataclass


@dataclass(eq=False)
class Scope:
    """A part of the play that may be left before its end. A scope is left when it, or one around it, is."""

    parent: "Scope | None" = None
    task: "asyncio.Task[None] | None" = None
    gone: bool = False

    def is_left(self) -> bool:
        """Say whether nothing more may be started here."""
        return self.gone or (self.parent is not None and self.parent.is_left())

    def leave(self) -> None:
        """Start nothing more here; waits under way are broken off, an attempt under way comes to its end."""
        self.gone = True
        if self.task is not None and not self.task.done():
            self.task.cancel()

    def check(self) -> None:
        """Raise CancelledError when the scope is left."""
        if self.is_left():
            raise asyncio.CancelledError
