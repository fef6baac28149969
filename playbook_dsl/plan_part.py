"""What every part of a plan is made of."""

from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict

Expr: TypeAlias = str
Node: TypeAlias = Any
"""JSON with `$expr` and `$text` leaves; any JSON is one, so the type says no more."""


class PlanPart(BaseModel):
    """A frozen part of the plan; unknown keys are a bug of the compiler."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
