"""What goes wrong in an activity, in Temporal's words. The error's type is the stable code of `on_error` and `not_on`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.contracts import DATABASE_AWAY, OVER_BUDGET, THROTTLED
from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected
from storage.encryption import SealBroken


class ActionProblem(Exception):
    """An action that cannot be performed as asked; trying again changes nothing. The name of the class is the error's code."""


class BadInput(ActionProblem):
    """An input that is missing, of the wrong type or out of range on this account."""


class Nobody(ActionProblem):
    """No owner or recipient could be found."""


class TemplateFailed(ActionProblem):
    """A message template that cannot be rendered for this account."""


class NotFound(ActionProblem):
    """An account, a task or another thing that is not there."""


class RequestChanged(ActionProblem):
    """The same step asks for something else than it did before."""


class EffectUndone(ActionProblem):
    """A late attempt of an effect that was taken back meanwhile."""


class CannotBeUndone(ActionProblem):
    """An effect without an inverse."""


class NoScore(Exception):
    """A score that is not there, or not of the kind that is wanted; `code` is ML001 or PRED001. It may be there in a while."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code authors catch."""
        super().__init__(message)
        self.code = code


class NoCustomer(Exception):
    """A score of an account that was lost; trying again changes nothing. Authors catch it as PRED002."""

    code: Final = "PRED002"


class Throttled(Exception):
    """A call that must wait for its turn at a vendor: the play waits on a timer, and no worker is kept busy by it."""

    def __init__(self, vendor: str, until: datetime) -> None:
        """Keep when its turn is."""
        super().__init__(f"waits for its turn at {vendor}")
        self.until = until


class OverBudget(Exception):
    """A message to somebody who was written to often enough lately: the play waits on a timer, and no worker is kept busy by it.

    `why` is a sentence; it names people, so it is no part of the error's own text. `places` are what is kept of its place in the queue.
    """

    def __init__(self, until: datetime, why: str, places: Sequence[Mapping[str, object]]) -> None:
        """Keep when to ask again."""
        super().__init__("waits because its recipient was written to often enough")
        self.until = until
        self.why = why
        self.places = places


@contextmanager
def as_activity_failure(pause: timedelta | None = None) -> Iterator[None]:
    """Turn our errors into an ApplicationError that says whether and when to try again.

    Args:
        pause: how long to wait where Temporal cannot work it out by itself; a vendor's own word goes above it.
    """
    try:
        yield
    except Throttled as wait:
        # Benign: it is no failure to be logged or counted.
        turn = wait.until.isoformat()
        raise ApplicationError(str(wait), turn, type=THROTTLED, non_retryable=True, category=ApplicationErrorCategory.BENIGN) from None
    except OverBudget as wait:
        said = (wait.until.isoformat(), wait.why)
        raise ApplicationError(str(wait), *said, type=OVER_BUDGET, non_retryable=True, category=ApplicationErrorCategory.BENIGN) from None
    except NoScore as error:
        raise ApplicationError(str(error), type=error.code, next_retry_delay=pause) from None
    except NoCustomer as error:
        raise ApplicationError(str(error), type=error.code, non_retryable=True) from None
    except ConnectorError as error:
        raise ApplicationError(
            str(error),
            type=type(error).__name__,
            non_retryable=isinstance(error, Rejected | NotAuthorized),
            next_retry_delay=(error.retry_after if isinstance(error, RateLimited) else None) or pause,
        ) from error
    except (DataError, IntegrityError, ProgrammingError) as error:
        # The statement and its parameters stay out of the message: they may hold what is sealed.
        raise ApplicationError(f"the database refuses ({type(error).__name__})", type="Unavailable") from None
    except (DBAPIError, PoolTimeout, OSError) as error:
        raise ApplicationError(f"the database does not answer ({type(error).__name__})", type=DATABASE_AWAY) from None
    except (ActionProblem, SealBroken) as error:
        raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from error
