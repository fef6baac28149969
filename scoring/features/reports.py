"""What usage observations say, read once for all cutoffs."""

from collections.abc import Mapping
from dataclasses import dataclass

from scoring.features.values import number
from scoring.observations import Value


@dataclass(slots=True)
class Report:
    """One usage observation, read once for all cutoffs."""

    logins: float | None
    active: float | None
    user: str | None
    features: tuple[str, ...] | None
    silent: bool

    @property
    def on(self) -> bool:
        """Whether somebody was there."""
        return bool(self.logins) or bool(self.active)


def report_of(values: Mapping[str, Value]) -> Report:
    """Read a usage observation."""
    user = values.get("user")
    user = user if isinstance(user, str) and user else None
    logins = number(values.get("logins"), 0)
    return Report(
        logins=1.0 if logins is None and user is not None else logins,
        active=number(values.get("active_users"), 0),
        user=user,
        features=_features(values),
        silent=not values,
    )


def _features(values: Mapping[str, Value]) -> tuple[str, ...] | None:
    one, many = values.get("feature"), values.get("features")
    named = (one,) if isinstance(one, str) and one else ()
    if isinstance(many, Mapping):
        return named + tuple(str(name) for name, uses in many.items() if (number(uses) or 0) > 0)
    return named or None
