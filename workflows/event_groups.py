"""Events of one step shown together in the Temporal UI. Experimental in the SDK, so all of it is behind this one function."""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.workflow import EventGroup


def of_step(key: str, title: str) -> Sequence[EventGroup]:
    """Give the group of a step: its retries, its undo and its timers share the key."""
    return (workflow.create_event_group(key, label=title or key),)
