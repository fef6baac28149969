"""How many messages of a channel somebody may get in a time, counted over all plays, and who goes first when there is no room for all.

Pure: what was sent and who waits is handed in. Windows roll: what was sent longer ago than the window does not count any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from playbook_dsl.timing.durations import approximate_seconds, parse_duration
from playbook_dsl.timing.errors import TimingError
from playbook_dsl.timing.rates import read_rate
from playbook_dsl.values import Json

CHANNELS: Final = ("email", "sms")
"""The channels by which plays write to people at a customer."""

_WORDS: Final = {"email": ("e-mail", "e-mails"), "sms": ("text message", "text messages")}
_CLOSE_BEHIND: Final = 4
"""So many behind the first look at the same moment as it, in case those before them do not need it; the others look later."""
_STEP: Final = timedelta(seconds=1)
_LONGEST_GRACE: Final = timedelta(minutes=5)
_SHORTEST_GRACE: Final = timedelta(seconds=2)
_SAY_THE_HOUR: Final = timedelta(days=2)


@dataclass(frozen=True)
class Budget:
    """`count` messages in a `window` of time, to one contact or to all contacts of an account together. `span` is the window in words."""

    count: int
    window: timedelta
    span: str
    per: Literal["contact", "account"]

    @classmethod
    def of(cls, budgets: Mapping[str, Json], channel: str) -> "Budget | None":
        """Give the budget of a channel in a plan's `enroll.budget` or a tenant's settings; None where nothing is said about it."""
        found = budgets.get(channel)
        per = found.get("per") if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping) or not isinstance(per, Mapping):
            return None
        span = str(per.get("$expr"))
        window = timedelta(seconds=approximate_seconds(parse_duration(span)))
        return cls(int(str(found["count"])), window, span, "account" if budgets.get("per") == "account" else "contact")

    @property
    def grace(self) -> timedelta:
        """Give how late somebody whose turn it is may be before it is somebody else's."""
        return min(_LONGEST_GRACE, max(_SHORTEST_GRACE, self.window / 100))


@dataclass(frozen=True)
class Before:
    """Somebody who waits too, and goes first. `until` is when it looks again; from `gone_at` on nobody counts on it any more."""

    until: datetime
    gone_at: datetime


@dataclass(frozen=True)
class Wait:
    """A message that may not leave yet: when to ask again, how many were sent in the window, how many others go first."""

    until: datetime
    had: int
    before: int


def turn(budget: Budget, sent: Sequence[datetime], before: Sequence[Before], now: datetime) -> Wait | None:
    """Say until when a message waits; None when it may leave now.

    Args:
        budget: what holds for it.
        sent: when each message of the channel was sent, in any order; those outside the window do not matter.
        before: who waits for the same and goes first.
        now: the moment, by the clock that `sent` was written with.
    """
    leaves = sorted(at + budget.window for at in sent if at + budget.window > now)
    room = budget.count - len(leaves)
    due = [one for one in before if one.until <= now + _STEP]
    if room > len(due):
        return None
    if room > 0:
        return Wait(min(one.gone_at for one in due), len(leaves), len(before))
    place = -room + max(0, len(before) - _CLOSE_BEHIND)
    # Those behind look a little later, so that the one before them has been there.
    after = min(_STEP, budget.window / 20) * min(len(before), _CLOSE_BEHIND)
    return Wait(leaves[min(place, len(leaves) - 1)] + after, len(leaves), len(before))


def why(wait: Wait, budget: Budget, channel: str, name: str, now: datetime) -> str:
    """Say why a message waits, such as `waits until 2 Dec: Ada has had 3 e-mails in 14 days`."""
    who = name or "this recipient"
    others = (
        ""
        if not wait.before
        else f", and {wait.before} other message{'s' if wait.before > 1 else ''} go{'' if wait.before > 1 else 'es'} first"
    )
    return f"waits until {moment_words(wait.until, now)}: {who} has had {counted(wait.had, channel)} in {budget.span}{others}"


def counted(count: int, channel: str) -> str:
    """Give a number of messages in words: `1 e-mail`, `3 text messages`."""
    one, many = _WORDS.get(channel, ("message", "messages"))
    return f"{count} {one if count == 1 else many}"


def moment_words(at: datetime, now: datetime) -> str:
    """Give a moment as short as it is plain from `now`: the day, with the hour when that is soon, with the year when it is another."""
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    day = f"{at.day} {at:%b}" + (f" {at.year}" if at.year != now.year else "")
    if at - now < timedelta(hours=1):
        return f"{day} {at:%H:%M:%S} UTC"
    return f"{day} {at:%H:%M} UTC" if at - now < _SAY_THE_HOUR else day


def read_budgets(written: Mapping[str, str]) -> dict[str, Json]:
    """Read budgets as people write them (`{"email": "3 per 14 days", "per": "contact"}`) into the form that plans have.

    Raises:
        ValueError: a channel is not one, or a count per time cannot be read; the message says what to write.
    """
    found: dict[str, Json] = {}
    for channel, text in written.items():
        if channel == "per":
            if text not in ("contact", "account"):
                raise ValueError(f'"{text}" cannot be counted by; write contact or account')
            continue
        if channel not in CHANNELS:
            raise ValueError(f'"{channel}" is no channel; there are {", ".join(CHANNELS)}')
        try:
            count, span = read_rate(text)
        except TimingError:
            count, span = 0, ""
        if not span:
            raise ValueError(f'"{text}" is no count per time; write 3 per week, or 3 per 14 days')
        found[channel] = {"count": count, "per": {"$expr": span}}
    return {**found, "per": written.get("per", "contact")} if found else {}


def write_budgets(budgets: Mapping[str, Json]) -> dict[str, str]:
    """Give budgets as people write them; `read_budgets` reads them back."""
    found = {channel: f"{one.count} per {one.span}" for channel in CHANNELS if (one := Budget.of(budgets, channel)) is not None}
    return {**found, "per": str(budgets.get("per", "contact"))} if found else {}
