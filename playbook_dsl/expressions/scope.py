"""What an expression may name at its place in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from playbook_dsl.expressions.signatures import FUNCTION_NAMES
from playbook_dsl.types import DATE, DATETIME, Type

CLOCK_NAMES: Mapping[str, Type] = {"now": DATETIME, "today": DATE}
"""Names every scope has."""


@dataclass(frozen=True)
class Scope:
    """The names and functions an expression may use.

    `names` maps a root name to its type (records nest). `why_missing` maps a root or a dotted path that exists elsewhere to the
    sentence said when it is used here, such as `"steps.offer": 'step "offer" runs later'`. `now` and `today` need not be listed.
    """

    names: Mapping[str, Type]
    functions: frozenset[str] = FUNCTION_NAMES
    why_missing: Mapping[str, str] = field(default_factory=dict)

    def type_of(self, name: str) -> Type | None:
        """Give the type of a root name, None when it is not in scope."""
        return self.names.get(name) or CLOCK_NAMES.get(name)
