"""Whether an account enters a playbook. The one place where that is decided; everything else gathers what it needs to know.

The rules are asked in the order in which they are listed here, and the first that says no gives the reason. `decide` asks all of them,
so that `why` can show every one with its value; it stops early only where the answers that follow cost something (`Asked`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from enrollment.holdout import CONTROL
from enrollment.rules import Line, Rules, Scope
from enrollment.states import Reason, State

Answer = Literal["yes", "no", "waits", "ignored", "not_asked"]

IGNORABLE: Final = ("audience", "again", "suppress", "holdout", "limits")
"""The rules that somebody who starts a play by hand may leave aside."""
BY_HAND: Final = frozenset({"audience", "again", "holdout", "limits"})
"""What a person who picks one account leaves aside: they looked at it. `suppress` and "not twice at a time" hold for them too."""


@dataclass(frozen=True)
class Past:
    """What an account has behind it in a playbook, under one key.

    `open` is the enrollment that is open now (`waiting`: the one that waits for its end), `left_at` when the last that counts ended.
    """

    open: State | None = None
    since: datetime | None = None
    until: datetime | None = None
    waiting: bool = False
    entered_at: datetime | None = None
    left_at: datetime | None = None


@dataclass(frozen=True)
class Asked:
    """What the rules are asked about.

    Args:
        now: aware.
        past: see `Past`.
        scope: the account's facts, with the event and the inputs; called when a rule needs it.
        ignore: rules that are left aside, of `IGNORABLE`.
        arm: gives the arm for a stratum: the one the account has, or the one it would get.
        excluded: why somebody took the account out of this playbook, None when nobody did.
        exempt: why somebody took the account out of the holdout, None when nobody did.
        existed: the playbook takes only accounts that come after its publishing, and this one was there before.
    """

    now: datetime
    past: Past
    scope: Callable[[], Scope]
    ignore: frozenset[str] = frozenset()
    arm: Callable[[str], str] = lambda _: ""
    excluded: str | None = None
    exempt: str | None = None
    existed: bool = False


@dataclass(frozen=True)
class Verdict:
    """One rule and what it said. `value` is what it looked at, in words; `at` the time that matters to it."""

    rule: str
    answer: Answer
    value: str
    at: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """What becomes of an account. `until`: when a refusal, a delay or an observation ends, as far as that is known."""

    state: State
    reason: Reason
    detail: str
    until: datetime | None = None
    stratum: str = ""
    verdicts: tuple[Verdict, ...] = ()


@dataclass
class _Asking:
    rules: Rules
    asked: Asked
    verdicts: list[Verdict] = field(default_factory=list)

    def note(self, rule: str, answer: Answer, value: str, at: datetime | None = None) -> None:
        self.verdicts.append(Verdict(rule, answer, value, at))

    def said(self, state: State, reason: Reason, detail: str, until: datetime | None = None) -> Decision:
        return Decision(state, reason, detail, until)


def decide(rules: Rules, asked: Asked, *, all_rules: bool = False) -> Decision:
    """Decide whether an account enters.

    Args:
        rules: of the version that would be played.
        asked: the account and what is known of it.
        all_rules: go on after the first refusal, so that every rule has its verdict.
    """
    asking = _Asking(rules, asked)
    found: Decision | None = None
    for rule in RULES:
        said = rule(asking)
        found = found or said
        if found is not None and not all_rules:
            break
    found = found or _enters(asking)
    return Decision(found.state, found.reason, found.detail, found.until, found.stratum, tuple(asking.verdicts))


def _active(asking: _Asking) -> Decision | None:
    past, way = asking.asked.past, asking.rules.enroll.while_active
    if past.open is None:
        asking.note("active", "yes", "is not in this playbook")
        return None
    if past.open is State.HELD_OUT:
        if "holdout" in asking.asked.ignore:
            asking.note("active", "ignored", "is in the holdout", past.since)
            return None
        asking.note("active", "no", "is in the holdout", past.since)
        return asking.said(State.REFUSED, Reason.IN_HOLDOUT, "is in the holdout of this playbook", past.until)
    if past.open is not State.ACTIVE:
        asking.note("active", "no", f"is {past.open}", past.since)
        return asking.said(State.REFUSED, Reason.ALREADY_WAITING, f"is {past.open} already", past.until)
    if way == "ignore":
        asking.note("active", "no", "a play is under way", past.since)
        return asking.said(State.REFUSED, Reason.ALREADY_ACTIVE, "a play of this playbook is under way")
    if past.waiting and way != "alongside":
        asking.note("active", "no", "a play is under way, and another waits for its end", past.since)
        return asking.said(State.REFUSED, Reason.ALREADY_WAITING, "another play waits for the end of the one under way")
    asking.note("active", "waits" if way != "alongside" else "yes", f"a play is under way; while_active is {way}", past.since)
    return None


def _again(asking: _Asking) -> Decision | None:
    past, rules = asking.asked.past, asking.rules
    if past.left_at is None:
        asking.note("again", "yes", "has not been in this playbook")
        return None
    if "again" in asking.asked.ignore:
        asking.note("again", "ignored", "has been in this playbook", past.left_at)
        return None
    free_at = rules.free_at(past.left_at, asking.asked.scope())
    if free_at is None:
        asking.note("again", "no", "has been in this playbook, which takes an account once", past.left_at)
        return asking.said(State.REFUSED, Reason.ENTERED_BEFORE, "has been in this playbook, which takes an account once")
    if free_at > asking.asked.now:
        asking.note("again", "no", "may enter again later", free_at)
        return asking.said(State.REFUSED, Reason.TOO_SOON, f"left too short a time ago; it may enter again at {_said(free_at)}", free_at)
    asking.note("again", "yes", "left long enough ago", free_at)
    return None


def _excluded(asking: _Asking) -> Decision | None:
    because = asking.asked.excluded
    asking.note("exclusions", "no" if because else "yes", because or "nobody took it out of this playbook")
    return asking.said(State.REFUSED, Reason.EXCLUDED, f"was taken out of this playbook: {because}") if because else None


def _existed(asking: _Asking) -> Decision | None:
    if asking.rules.enroll.existing != "only_new":
        return None
    existed = asking.asked.existed and "audience" not in asking.asked.ignore
    asking.note("existing", "no" if existed else "yes", "was in the audience when it was published" if existed else "came later")
    if not existed:
        return None
    return asking.said(State.REFUSED, Reason.EXISTED, "was in the audience when the playbook was published, which takes only new ones")


def _audience(asking: _Asking) -> Decision | None:
    source = asking.rules.enroll.audience
    if source is None:
        asking.note("audience", "yes", "is for every account")
        return None
    if "audience" in asking.asked.ignore:
        asking.note("audience", "ignored", source)
        return None
    matches = asking.rules.audience(asking.asked.scope())
    asking.note("audience", "yes" if matches else "no", source)
    return None if matches else asking.said(State.REFUSED, Reason.NOT_IN_AUDIENCE, f"is not in the audience: {source}")


def _suppress(asking: _Asking) -> Decision | None:
    if not asking.rules.enroll.suppress:
        return None
    if "suppress" in asking.asked.ignore:
        asking.note("suppress", "ignored", "somebody left it aside")
        return None
    lines = asking.rules.suppressions(asking.asked.scope())
    for line in lines:
        asking.note("suppress", _of_line(line), f"{line.condition} (then: {line.then})")
    dropped = next((line for line in lines if line.holds and line.then == "drop"), None)
    delayed = next((line for line in lines if line.holds), None)
    if dropped is not None:
        return asking.said(State.REFUSED, Reason.SUPPRESSED, f"is kept out as long as this holds: {dropped.condition}")
    if delayed is not None:
        return asking.said(State.SUPPRESSED, Reason.DELAYED, f"waits until this is over: {delayed.condition}")
    return None


def _of_line(line: Line) -> Answer:
    if not line.holds:
        return "yes"
    return "no" if line.then == "drop" else "waits"


def _holdout(asking: _Asking) -> Decision | None:
    share = asking.rules.holdout_share
    if not share:
        return None
    if "holdout" in asking.asked.ignore:
        asking.note("holdout", "ignored", f"{share:.0%} are left alone")
        return None
    if asking.asked.exempt:
        asking.note("holdout", "yes", f"exempt: {asking.asked.exempt}")
        return None
    scope = asking.asked.scope()
    stratum = asking.rules.stratum(scope)
    held = asking.asked.arm(stratum) == CONTROL
    group = f" of {stratum}" if stratum else ""
    asking.note("holdout", "no" if held else "yes", f"{share:.0%}{group} are left alone")
    if not held:
        return None
    until = asking.rules.observed_until(asking.asked.now, scope)
    detail = f"belongs to the {share:.0%} that are left alone, so that the effect can be measured"
    return Decision(State.HELD_OUT, Reason.HELD_OUT, detail, until, stratum)


RULES: Final[tuple[Callable[[_Asking], Decision | None], ...]] = (
    _active,
    _again,
    _excluded,
    _existed,
    _audience,
    _suppress,
    _holdout,
)


def _enters(asking: _Asking) -> Decision:
    past, way = asking.asked.past, asking.rules.enroll.while_active
    if past.open is State.ACTIVE and way == "queue":
        return asking.said(State.QUEUED, Reason.PLAY, "waits for the end of the play that is under way")
    if past.open is State.ACTIVE and way == "restart":
        return asking.said(State.QUEUED, Reason.RESTART, "the play that is under way is cancelled first")
    if asking.rules.limited and "limits" not in asking.asked.ignore:
        return asking.said(State.QUEUED, Reason.ROOM, "waits for room")
    return asking.said(State.ACTIVE, Reason.ENTERED, "enters")


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
