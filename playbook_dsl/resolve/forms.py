"""How a literal in the file is meant, given the type its place wants: shared by the checks and by lowering."""

from datetime import date, datetime
from typing import Literal, TypeAlias

from playbook_dsl.nodes import Scalar
from playbook_dsl.timing.moments import WEEKDAYS, parse_until
from playbook_dsl.types import Type

Form: TypeAlias = Literal["expression", "text", "literal"]


def form_of(scalar: Scalar, expects: Type | None, *, bare: bool = False) -> Form:
    """Say how a scalar is read: as an expression, as a text with `{{ }}`, or as what it says.

    A duration, money or a date that is not written out (`3 months`, `500 EUR`, `account.renewal_date`) is an expression without braces.
    """
    if "{{" in scalar.text or "{%" in scalar.text:
        return "text"
    if bare and isinstance(scalar.value, str):
        return "expression"
    kind = expects.kind if expects else "any"
    if kind in ("duration", "money") and not scalar.is_null and not isinstance(scalar.value, bool):
        return "expression"
    if kind in ("date", "datetime") and isinstance(scalar.value, str) and iso_moment(scalar.text) is None:
        return "expression"
    return "literal"


def iso_moment(text: str) -> date | None:
    """Give the date or datetime of an ISO text (`2026-11-23`, `2026-11-23T09:00:00+01:00`), or None. A datetime needs its offset."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


_STARTS = ("next ", "end of ", "start of ", "first ", "last ", "tomorrow", *WEEKDAYS)


def is_day_in_words(text: str) -> bool:
    """Say whether a text is, or is meant to be, a day in words such as `next monday`."""
    plain = text.lower().strip()
    return parse_until(text) is not None or plain.startswith(_STARTS)
