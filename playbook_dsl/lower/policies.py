"""Retries, undo, error rules and the like as parts of the plan."""

from functools import lru_cache
from typing import TypeVar, cast

from playbook_dsl import plan
from playbook_dsl.catalog import ActionDef
from playbook_dsl.lower.values import expr
from playbook_dsl.syntax import DefaultsSpec, RetrySpec, ReviewSpec
from playbook_dsl.timing.durations import approximate_seconds, parse_duration
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.words import Owners, Word

W = TypeVar("W", bound=str)


def words(given: tuple[Word, ...]) -> tuple[str, ...]:
    """Give texts without their places."""
    return tuple(word.text for word in given)


def word(given: Word | None) -> str | None:
    """Give a text without its place."""
    return given.text if given else None


def one_of(given: Word | None, default: W) -> W:
    """Give a word the parser has checked, or the default, which is one of the same few words."""
    return cast(W, given.text) if given else default


def owners(given: Owners | None) -> tuple[str, ...]:
    """Give owner specs."""
    return words(given.specs) if given else ()


def seconds(given: Word | None, default: float) -> float:
    """Give a fixed duration in seconds."""
    found = _fixed_seconds(given.text) if given else None
    return default if found is None else found


@lru_cache(maxsize=512)
def _fixed_seconds(text: str) -> float | None:
    """Every step reads the playbook's defaults again, so the same few texts come by hundreds of times."""
    try:
        return approximate_seconds(parse_duration(text))
    except TimingError:
        return None


def retry(given: RetrySpec | None, defaults: plan.Retry) -> plan.Retry | None:
    """Give a step's own retry rule; what it leaves out comes from the defaults."""
    if given is None:
        return None
    return plan.Retry(
        attempts=cast(int, given.attempts.value) if given.attempts else defaults.attempts,
        first_s=seconds(given.first, defaults.first_s),
        factor=float(cast(float, given.factor.value)) if given.factor else defaults.factor,
        at_most_s=seconds(given.at_most, defaults.at_most_s),
        not_on=words(given.not_on) or defaults.not_on,
    )


def default_retry(given: DefaultsSpec) -> plan.Retry:
    """Give the retry rule of the playbook."""
    return retry(given.retry, plan.Retry()) or plan.Retry()


def action_retry(given: RetrySpec | None, defaults: DefaultsSpec, action: ActionDef) -> plan.Retry | None:
    """Give the retry rule of an action step: its own, else the playbook's, else what its contract says."""
    own = retry(given, default_retry(defaults))
    return action.retry if own is None and defaults.retry is None else own


def review(given: ReviewSpec | None) -> plan.Review | None:
    """Give `review`."""
    if given is None:
        return None
    return plan.Review(
        by=owners(given.by), may_edit=words(given.may_edit), up_to=expr(given.up_to), on_timeout=one_of(given.on_timeout, "skip")
    )
