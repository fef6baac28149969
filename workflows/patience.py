"""Activities of long jobs of our own, such as a sync or a sweep: patient with everything that is not their own fault."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError, TimeoutType

from activities.contracts import DATABASE_AWAY, THROTTLED

T = TypeVar("T")

_NEVER_RETRIED: Final = ("Rejected", "NotAuthorized", "CannotSync", "CannotLaunch")
# A vendor that is down opens its circuit long before these are used up, and is waited for on a timer then.
_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(seconds=2),
    maximum_interval=timedelta(minutes=5),
    maximum_attempts=20,
    non_retryable_error_types=_NEVER_RETRIED,
)
_WITHIN: Final = timedelta(minutes=10)
_HEARTBEAT: Final = timedelta(seconds=10)
_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=1)


async def perform(name: str, call: object, answer: type[T] | None, summary: str, priority: Priority = Priority.default) -> T:
    """Have an activity performed."""
    result: T = await workflow.execute_activity(
        name,
        call,
        result_type=answer,
        start_to_close_timeout=_WITHIN,
        heartbeat_timeout=_HEARTBEAT,
        retry_policy=_RETRY,
        summary=summary,
        priority=priority,
    )
    return result


async def patiently(attempt: Callable[[datetime | None], Awaitable[T]]) -> T:
    """Repeat, without end, what only our own outage or the vendor's limit kept from being done."""
    pause: timedelta = _FIRST_PAUSE
    booked: datetime | None = None
    while True:
        try:
            return await attempt(booked)
        except ActivityError as error:
            match error.cause:
                case ApplicationError(type=kind, details=[str(turn), *_]) if kind == THROTTLED:
                    booked = datetime.fromisoformat(turn)
                    await wait_until(booked)
                case ApplicationError(type=kind) if kind == DATABASE_AWAY:
                    await workflow.sleep(pause, summary="waits for the database")
                    pause = min(pause * 2, _LONGEST_PAUSE)
                case TimeoutError(type=TimeoutType.HEARTBEAT):
                    await workflow.sleep(pause, summary="waits for workers")
                    pause = min(pause * 2, _LONGEST_PAUSE)
                case _:
                    raise


async def wait_until(at: datetime) -> None:
    """Sleep until a moment; not at all when it is past."""
    while (left := at - workflow.now()) > timedelta(0):
        await workflow.sleep(left, summary="waits for its turn at the vendor")
