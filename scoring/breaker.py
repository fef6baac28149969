"""The circuit breaker before a scorer: one that keeps failing is left alone for a while, so that nobody waits for it in vain."""

from collections import deque
from typing import Literal, TypeAlias

BreakerState: TypeAlias = Literal["closed", "open", "half-open"]


class Breaker:
    """Opens after `opens_after` failures among the last `of_last` answers; `pause_s` later one request may see whether it is back.

    That one closes it by its success, and by its failure opens it for another pause. Moments are seconds of one steady clock.
    """

    def __init__(self, *, opens_after: int = 5, of_last: int = 20, pause_s: float = 30.0) -> None:
        """Begin closed."""
        self._opens_after = opens_after
        self._pause_s = pause_s
        self._failed: deque[bool] = deque(maxlen=of_last)
        self._opened_at: float | None = None
        self._trying = False

    def state(self, now: float) -> BreakerState:
        """Say how it stands."""
        if self._opened_at is None:
            return "closed"
        return "half-open" if now >= self._opened_at + self._pause_s else "open"

    def lets_in(self, now: float) -> bool:
        """Say whether a request would be let in now; changes nothing."""
        state = self.state(now)
        return state == "closed" or (state == "half-open" and not self._trying)

    def enter(self, now: float) -> bool:
        """Let a request in, or not. Whoever is let in says afterwards how it went, or that it left without an answer."""
        if not self.lets_in(now):
            return False
        self._trying = self.state(now) == "half-open"
        return True

    def succeeded(self) -> None:
        """Note an answer."""
        if self._opened_at is not None:
            self._failed.clear()
        self._opened_at, self._trying = None, False
        self._failed.append(False)

    def failed(self, now: float) -> None:
        """Note a failure."""
        self._failed.append(True)
        # One that fails late, when it is open already, does not make the pause longer.
        if self.state(now) == "half-open" or (self._opened_at is None and sum(self._failed) >= self._opens_after):
            self._opened_at = now
        self._trying = False

    def left(self) -> None:
        """Note that whoever was let in went away without an answer, so that another may try."""
        self._trying = False
