"""The answer to why, in plain words."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from api.schemas.why import LimitOut
from enrollment.rules import Rules
from enrollment.states import Reason, State
from playbook_dsl.timing.durations import words
from storage.enrollment.explaining import Explained, Waits
from storage.enrollment_tables import Enrollment

QUESTIONS: Final = {
    "active": "Is it free to enter now?",
    "again": "May it enter, after what was before?",
    "exclusions": "Did nobody take it out?",
    "existing": "Did it come after the playbook was published?",
    "audience": "Is it in the audience?",
    "suppress": "Does nothing keep it out?",
    "holdout": "Is it one of those that are played?",
}


def limit_words(limit: LimitOut, rules: Rules, owner: str) -> str:
    """Give a limit and how much of it is used."""
    amount = f"{limit.used} of {limit.limit}"
    match limit.name:
        case "at_once":
            return f"{amount} plays are under way"
        case "per_day":
            return f"{amount} plays began today"
        case "per_owner":
            span = rules.per_owner.per if rules.per_owner else None
            return f"{amount} plays of {owner} " + (f"began in the last {words(span)}" if span and words(span) else "are under way")


def summary_of(found: Explained, limits: Sequence[LimitOut], *, is_published: bool) -> list[str]:
    """Give the answer in a few sentences."""
    name = found.rows.account.name
    lines = [line for row in found.opened for line in _open_words(name, row)]
    lines += [f"It waits for {cause}." for one in found.waits for cause in waits_for(one, limits)]
    if not is_published:
        return [*lines, "The playbook is not published: nobody enters it."]
    if not found.opened:
        before = found.ended[0] if found.ended else None
        lines.append(f"{name} is not in this playbook" + (f"; it was, and left {_end_words(before)}." if before else " and never was."))
        lines += _would_words(found)
    if found.refusal is not None:
        lines.append(f"It was last turned away {_time(found.refusal.at)} ({_came(found.refusal.trigger)}): it {found.refusal.detail}.")
    return lines


def _open_words(name: str, row: Enrollment) -> Iterator[str]:
    about = f' about "{row.key}"' if row.key else ""
    match row.state:
        case State.ACTIVE:
            since = _time(row.begun_at or row.created_at)
            yield f"{name} is in this playbook{about}: its play is under way since {since}, {_brought(row)}."
        case State.QUEUED:
            yield f"{name} is in the queue of this playbook{about} since {_time(row.created_at)}, {_brought(row)}."
        case State.SUPPRESSED:
            until = f" It is looked at again at {_time(row.until)}." if row.until else " It is looked at again in a moment."
            yield f"{name} is delayed{about} since {_time(row.created_at)}, {_brought(row)}: it {row.detail}.{until}"
        case State.HELD_OUT:
            yield (
                f"{name} is left alone{about}, so that the effect of the playbook can be measured, since {_time(row.created_at)}"
                + (f" until {_time(row.until)}." if row.until else ".")
            )


def _would_words(found: Explained) -> Iterator[str]:
    decision = found.decision
    match decision.state:
        case State.REFUSED:
            yield f"It would not enter now: it {decision.detail}."
        case State.SUPPRESSED:
            yield f"It would be delayed now: it {decision.detail}."
        case State.HELD_OUT:
            yield "It would be left alone now: it belongs to those by whom the effect is measured."
        case State.QUEUED:
            yield "No rule keeps it out: it would enter as soon as there is room, when something brings it."
        case _:
            yield "No rule keeps it out: it would enter when something brings it."


def waits_for(one: Waits, limits: Sequence[LimitOut]) -> list[str]:
    """Give everything that one in the queue waits for."""
    found = []
    row, launch = one.row, one.launch
    if one.in_the_way is not None:
        found.append(f"the end of the play {one.in_the_way}" + (", which is being cancelled" if row.reason == Reason.RESTART else ""))
    if launch is not None:
        if launch.status == "waiting":
            found.append(f"the approval of the launch {launch.id}")
        elif launch.status not in ("running", "done"):
            found.append(f"the launch {launch.id}, which is {launch.status}")
        elif row.wave > launch.open_wave:
            found.append(f"wave {row.wave + 1} of the launch {launch.id}; wave {launch.open_wave + 1} is open")
    full = [limit.words for limit in limits if limit.used >= limit.limit]
    if full:
        found.append(f"room: {', '.join(full)}")
    if one.place is not None and (full or one.place > 1):
        found.append(f"its turn: it is number {one.place} of {one.of}")
    if not found and one.place is None:
        return [f"its turn: at least {one.of} are before it"]
    return found or ["its turn, which comes in a moment"]


def _end_words(row: Enrollment) -> str:
    at = _time(row.left_at or row.changed_at)
    match row.reason:
        case Reason.WITHDRAWN:
            return f"{at}, before it began ({row.detail or 'somebody took it back'})"
        case Reason.NO_LONGER:
            return f"{at}, before it began: when its turn came, it {row.detail or 'was no longer eligible'}"
        case Reason.OBSERVED:
            return f"{at}, after it had been left alone and observed"
    return f"{at} ({row.reason.removeprefix('exit:').replace('_', ' ')})"


def _brought(row: Enrollment) -> str:
    by = f" by {row.by}" if row.by and row.trigger in ("manual", "api") else ""
    return f"brought {_came(row.trigger)}{by}"


def _came(trigger: str) -> str:
    return {"manual": "by hand", "api": "by a program", "play": "by another play"}.get(trigger, f"by a trigger: {trigger}")


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
