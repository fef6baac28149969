"""The way from activities to plays, where a note in the database is not enough. The worker hands in the real thing."""

from typing import Protocol

from activities.contracts import RunInput


class Plays(Protocol):
    """Starts plays, and tells them what a person could tell them."""

    async def start(self, workflow_id: str, play: RunInput) -> None:
        """Start a play; one with this id that was started before is left alone."""
        ...

    async def cancel(self, workflow_id: str, request_id: str) -> bool:
        """Cancel a play and leave what it did; False when it has ended."""
        ...

    async def undo(self, workflow_id: str, request_id: str, *, force: bool, parent: str | None) -> bool:
        """Take back what a play did, and end it; it then tells the workflow `parent`. False when it has ended."""
        ...


class Beginner(Protocol):
    """Begins the plays that a launch wrote down."""

    async def begin(self, workflow_id: str, play: RunInput) -> bool:
        """Begin a play; False when one with this id runs, or ran, already."""
        ...


class Outlet(Plays, Beginner, Protocol):
    """All of it, as a worker has it."""
