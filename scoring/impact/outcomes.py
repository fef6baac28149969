"""What became of an account by the end of its time in an experiment. What nobody knows stays unknown and is never guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

LOST: Final = "churned"
ACCOUNT: Final = "account"
"""The subject of what the database itself notes about an account's status; all other subjects are contracts."""


@dataclass(frozen=True, slots=True)
class Said:
    """One observation of kind `contract`: what it says, where it says something."""

    at: datetime
    subject: str = ""
    status: str | None = None
    mrr: float | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class Paid:
    """A change of what an account pays a month."""

    at: datetime
    before: float | None


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of an account.

    Args:
        drawn_at: when its arm was drawn.
        ends_at: when its time is over.
        said: of its contracts, in any order.
        paid: changes of what it pays since the draw, oldest first.
        mrr_drawn: what it paid a month at the draw, None when that was not written down.
        mrr_now: what it pays now.
        status_drawn: its status at the draw.
        status_now: its status now; None when the account is gone.
        money_counts: whether what it pays is in the currency that is counted in.
    """

    drawn_at: datetime
    ends_at: datetime
    said: Sequence[Said] = ()
    paid: Sequence[Paid] = ()
    mrr_drawn: float | None = None
    mrr_now: float | None = None
    status_drawn: str | None = None
    status_now: str | None = None
    money_counts: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it. None is unknown, and `unknown` says why by measure."""

    lost: bool | None = None
    renewed: bool | None = None
    mrr_before: float | None = None
    mrr_after: float | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)


def outcome_of(past: Past) -> Outcome:
    """Find out whether an account was lost, renewed, and what it pays, as of the end of its time."""
    if past.status_drawn == LOST or _lost_at(past.said, past.drawn_at):
        return Outcome(unknown=dict.fromkeys(("churn", "renewed", "arr"), "lost_before"))
    lost = _lost_by_end(past)
    unknown = {} if lost is not None else {"churn": "account_gone" if past.status_now is None else "lost_unknown_when"}
    due = _term_ends(past)
    renewed = not lost if due and lost is not None else None
    if renewed is None:
        unknown["renewed"] = unknown["churn"] if due else "no_term_ended"
    before, after = _money(past, lost)
    if before is None or after is None:
        unknown["arr"] = "revenue_unknown" if past.money_counts else "other_currency"
        before, after = None, None
    return Outcome(lost, renewed, before, after, unknown)


def _newest(said: Sequence[Said], at: datetime) -> dict[str, Said]:
    """Give of each subject the newest word about its status that was said by then."""
    found: dict[str, Said] = {}
    for one in said:
        if one.status is not None and one.at <= at and (one.subject not in found or found[one.subject].at <= one.at):
            found[one.subject] = one
    return found


def _lost_at(said: Sequence[Said], at: datetime) -> bool | None:
    """Say whether the account was lost by its own status or by the end of all its contracts, whichever was said last."""
    newest = _newest(said, at)
    own = newest.pop(ACCOUNT, None)
    if not newest:
        return None if own is None else own.status == LOST
    by_contracts = all(one.status == LOST for one in newest.values())
    if own is not None and own.at >= max(one.at for one in newest.values()):
        return own.status == LOST
    return by_contracts


def _lost_by_end(past: Past) -> bool | None:
    known = _lost_at(past.said, past.ends_at)
    if known is not None:
        return known
    if past.status_now is None:
        return None
    # Each change of the status is noted. One that is lost without a note was lost before there were notes, or nobody knows when.
    later = any(one.status == LOST for one in past.said)
    return False if past.status_now != LOST or later else None


def _term_ends(past: Past) -> bool:
    """Say whether a term was to end within the time. Only of these accounts renewal counts: whether they are customers still at its end.

    Who counts is known at the draw: a word within the time, such as of a contract that grew, is part of what became of it.
    """
    terms: dict[str, Said] = {}
    for one in sorted(past.said, key=lambda one: one.at):
        if one.end is not None and one.at <= past.drawn_at:
            terms[one.subject] = one
    return any(past.drawn_at.date() < one.end <= past.ends_at.date() for one in terms.values() if one.end is not None)


def _money(past: Past, lost: bool | None) -> tuple[float | None, float | None]:
    """Give what it paid before and after, both from the same source."""
    if not past.money_counts or lost is None:
        return None, None
    if past.mrr_drawn is not None:
        return past.mrr_drawn, 0.0 if lost else _own_at_end(past)
    before = _contracts_at(past.said, past.drawn_at)
    return before, 0.0 if lost else _contracts_at(past.said, past.ends_at)


def _own_at_end(past: Past) -> float | None:
    after = next((change for change in past.paid if change.at > past.ends_at), None)
    return after.before if after is not None else past.mrr_now


def _contracts_at(said: Sequence[Said], at: datetime) -> float | None:
    """Add up what the contracts that run brought a month at a moment; None when of none of them it is known."""
    newest: dict[str, Said] = {}
    for one in sorted(said, key=lambda one: one.at):
        if one.mrr is not None and one.at <= at:
            newest[one.subject] = one
    over = {subject for subject, one in _newest(said, at).items() if one.status == LOST}
    return sum((one.mrr or 0.0) for subject, one in newest.items() if subject not in over) if newest else None
