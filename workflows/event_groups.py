"""Events of one step shown together in the Temporal UI. Experimental in the SDK, so all of it is behind this one function."""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.workflow import EventGroup


def of_step(key: str) -> Sequence[EventGroup]:
    """Give the group of a step: its retries and its undo share the key.

    The key is its name. A label would be one more payload of every activity, and the step's title is in the activity's summary already.
    """
    return (workflow.create_event_group(key),)
