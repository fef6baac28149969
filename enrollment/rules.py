"""The rules of a playbook's `enroll`, ready to be asked about an account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from playbook_dsl.enrollment import Enroll
from playbook_dsl.expressions.evaluate import EvaluationError, evaluator
from playbook_dsl.expressions.template import print_value
from playbook_dsl.plan import Plan
from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.durations import add, parse_duration
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.values import Duration, Value, from_json

Scope: TypeAlias = Mapping[str, object]
"""What an expression is evaluated against; see `playbook_dsl.expressions.environment`."""

OBSERVED_FOR: Final = Duration(days=90)
"""How long an account that is left alone counts as being in the playbook, where neither `goal` nor `again` says."""
MOST_KEY: Final = 200


@dataclass(frozen=True)
class Line:
    """One line of `suppress` as it turned out for an account."""

    condition: str
    then: str
    holds: bool


@dataclass(frozen=True)
class Rate:
    """So many in so long a time."""

    count: int
    per: Duration


@dataclass(frozen=True)
class Rules:
    """`enroll` of one published version."""

    playbook: str
    version: int
    enroll: Enroll
    goal_within: str | None
    tables: Mapping[str, Value]

    @classmethod
    def of(cls, plan: Plan, version: int) -> "Rules":
        """Read the rules of a plan; a playbook without `enroll` has none but that nobody is in it twice at a time."""
        tables = from_json(dict(plan.tables))
        within = plan.goal.within if plan.goal else None
        return cls(plan.playbook, version, plan.enroll or Enroll(), within, tables if isinstance(tables, dict) else {})

    @property
    def at_once(self) -> int | None:
        """Give how many plays may be under way at a time."""
        return _count(self.enroll.limits.get("at_once"))

    @property
    def per_day(self) -> int | None:
        """Give how many plays may begin in a day of the team's zone."""
        return _count(self.enroll.limits.get("per_day"))

    @property
    def per_owner(self) -> Rate | None:
        """Give how many plays of one owner may begin in a time; without a time, how many may be under way."""
        found = self.enroll.limits.get("per_owner")
        if not isinstance(found, dict):
            return None
        per = found.get("per")
        return Rate(int(found["count"]), parse_duration(str(per["$expr"])) if isinstance(per, dict) else Duration())

    @property
    def limited(self) -> bool:
        """Say whether there are limits on how many may enter."""
        return bool(self.enroll.limits)

    @property
    def once(self) -> bool:
        """Say whether an account enters once for each key, ever."""
        return self.enroll.again_after is None and self.enroll.while_active == "ignore"

    @property
    def holdout_share(self) -> float:
        """Give the share that is left alone, 0 to 1."""
        share = (self.enroll.holdout or {}).get("share")
        return float(share) if isinstance(share, int | float) else 0.0

    def audience(self, scope: Scope) -> bool:
        """Say whether the account is one of those the playbook is for."""
        return self.enroll.audience is None or holds(self.enroll.audience, scope)

    def suppressions(self, scope: Scope) -> tuple[Line, ...]:
        """Give every line of `suppress` with its answer."""
        return tuple(Line(line.when, line.then, holds(line.when, scope)) for line in self.enroll.suppress)

    def key(self, scope: Scope) -> str:
        """Give what "the same" is for `again`, empty when it is the account alone."""
        if self.enroll.again_key is None:
            return ""
        return print_value(evaluate(self.enroll.again_key, scope), scope)[:MOST_KEY]

    def stratum(self, scope: Scope) -> str:
        """Give the group within which accounts are left alone, such as `growth`."""
        paths = (self.enroll.holdout or {}).get("stratify") or []
        return " · ".join(print_value(evaluate(str(path), scope), scope) or "none" for path in paths)

    def free_at(self, left_at: datetime, scope: Scope) -> datetime | None:
        """Give when somebody who left may enter again; None is never."""
        if self.enroll.again_after is None:
            return None if self.once else left_at
        return _after(left_at, _duration(self.enroll.again_after, scope), scope)

    def observed_until(self, now: datetime, scope: Scope) -> datetime:
        """Give until when an account that is left alone counts as being in the playbook, as a treated one would be."""
        source = self.goal_within or self.enroll.again_after
        return _after(now, _duration(source, scope) if source else OBSERVED_FOR, scope)


def holds(condition: str, scope: Scope) -> bool:
    """Say whether a condition holds; missing is no, and so is one that goes over the budget of an expression."""
    return evaluate(condition, scope) is True


def evaluate(source: str, scope: Scope) -> Value:
    """Evaluate an expression; None when it goes over its budget."""
    try:
        return evaluator(source)(scope)
    except EvaluationError:
        return None


def _duration(source: str, scope: Scope) -> Duration:
    found = evaluate(source, scope)
    return found if isinstance(found, Duration) else Duration()


def _after(at: datetime, span: Duration, scope: Scope) -> datetime:
    calendar = scope.get("$calendar")
    try:
        return add(at, span, calendar if isinstance(calendar, BusinessCalendar) else BusinessCalendar())
    except TimingError:
        return at


def _count(found: object) -> int | None:
    return found if isinstance(found, int) else None
