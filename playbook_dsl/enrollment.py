"""The part of a plan that says who enters; sweeps and triggers act on it, a play does not read it."""

from typing import Literal

from playbook_dsl.plan_part import Expr, Node, PlanPart


class Trigger(PlanPart):
    """One way in. Which fields are set depends on `kind`; the sweep reads them."""

    kind: Literal["event", "score", "becomes", "change", "segment", "date", "unchanged", "schedule"]
    id: str
    when: Expr | None = None
    settle: Expr | None = None
    spec: dict[str, Node] = {}


class Suppression(PlanPart):
    """Accounts kept out: dropped, or delayed until the condition is over."""

    when: Expr
    then: Literal["drop", "delay"] = "drop"


class Enroll(PlanPart):
    """Who enters, when, how often, how many at once. Times and limits as written, checked."""

    triggers: tuple[Trigger, ...] = ()
    audience: Expr | None = None
    suppress: tuple[Suppression, ...] = ()
    existing: Literal["preview", "include", "only_new"] = "preview"
    again_after: Expr | None = None
    again_key: Expr | None = None
    while_active: Literal["ignore", "queue", "restart", "alongside"] = "ignore"
    holdout: dict[str, Node] | None = None
    limits: dict[str, Node] = {}
    budget: dict[str, Node] = {}
    launch: dict[str, Node] | None = None
    priority: int = 0
    start_roles: tuple[str, ...] = ()
