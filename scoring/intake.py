"""Observations as strangers send them: each is read by itself, so that one that is wrong keeps no other out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import Final, TypeAlias

from scoring.observations import Observation

Sent: TypeAlias = object
"""JSON of any shape."""
Check: TypeAlias = Callable[[Sent], str | None]
"""Says what a value must be, None when it is that."""

AHEAD: Final = timedelta(days=1)
"""A source's clock may be ahead of ours, or in another zone than it thinks."""
BEHIND: Final = timedelta(days=3653)
"""Ten years."""
_LONGEST: Final = 200
_MOST_FEATURES: Final = 200
_LARGEST: Final = 1e12
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FIELDS: Final = ("id", "account", "kind", "occurred_at", "ingested_at", "subject", "values")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with an observation: where in it (`/values/logins`), a code, and what it must be."""

    pointer: str
    code: str
    detail: str


def _number(least: float, most: float, *, whole: bool = False) -> Check:
    word = "a whole number" if whole else "a number"

    def check(value: Sent) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most or (whole and value != int(value)):
            return f"must be {word} from {least:g} to {most:g}"
        return None

    return check


def _one_of(*words: str) -> Check:
    return lambda value: None if isinstance(value, str) and value in words else f"must be one of {', '.join(sorted(words))}"


def _text(value: Sent) -> str | None:
    short = isinstance(value, str) and 0 < len(value) <= _LONGEST and _storable(value)
    return None if short else f"must be a text of 1 to {_LONGEST} characters"


def _flag(value: Sent) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _date(value: Sent) -> str | None:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            date.fromisoformat(value)
        except ValueError:
            return "must be a date that is in the calendar, such as 2026-11-25"
        return None
    return "must be a date such as 2026-11-25"


def _uses(value: Sent) -> str | None:
    if not isinstance(value, Mapping) or len(value) > _MOST_FEATURES:
        return f"must be uses by feature, at most {_MOST_FEATURES} features"
    count = _number(0, _LARGEST)
    wrong = next((name for name, uses in value.items() if _text(name) or count(uses)), None)
    return None if wrong is None else f'must hold a number from 0 for each feature; look at "{str(wrong)[:50]}"'


_AMOUNT: Final = _number(0, _LARGEST)
CHECKS: Final[Mapping[str, Mapping[str, Check]]] = {
    "usage": {"logins": _AMOUNT, "active_users": _AMOUNT, "user": _text, "feature": _text, "features": _uses},
    "ticket": {
        "status": _one_of("open", "closed"),
        "severity": _number(1, 4, whole=True),
        "first_response_h": _number(0, 100_000),
        "reopened": _flag,
        "csat": _number(1, 5),
    },
    "invoice": {"status": _one_of("open", "paid", "failed", "void"), "amount": _number(-_LARGEST, _LARGEST), "due": _date, "paid": _date},
    "meeting": {"with": _one_of("csm", "executive"), "held": _flag},
    "email": {"direction": _one_of("in", "out")},
    "survey": {"nps": _number(0, 10), "csat": _number(1, 5)},
    "contact": {"role": _one_of("champion", "executive", "user"), "left": _flag},
    "contract": {
        "status": _one_of("active", "renewed", "expanded", "downgraded", "churned"),
        "start": _date,
        "end": _date,
        "term_months": _number(0, 1200),
        "auto_renew": _flag,
        "mrr": _AMOUNT,
        "plan": _text,
        "seats": _AMOUNT,
        "discount": _number(0, 1),
    },
}
"""What each value of each kind must be; null takes a value back."""


def read_observation(sent: Sent, now: datetime, *, as_known: bool = False) -> Observation | list[Wrong]:
    """Give an observation, or what is wrong with it.

    Args:
        sent: the JSON of one observation.
        now: the moment at which we learn of it.
        as_known: whether it says itself when it became known (`ingested_at`; when it happened, if it does not say): an import of history.
    """
    if not isinstance(sent, Mapping):
        return [Wrong("", "bad_value", "must be an object with id, account, occurred_at and values")]
    wrong = [
        Wrong(f"/{_short(name)}", "unknown_field", f"is unknown; known are {', '.join(_FIELDS)}") for name in sent if name not in _FIELDS
    ][:5]
    wrong += _wrong_names(sent)
    kind = sent.get("kind", "usage")
    values = sent.get("values", {})
    if not isinstance(kind, str) or kind not in CHECKS:
        wrong.append(Wrong("/kind", "bad_value", f"must be one of {', '.join(sorted(CHECKS))}"))
    elif not isinstance(values, Mapping):
        wrong.append(Wrong("/values", "bad_value", "must be an object"))
    else:
        wrong += _wrong_values(kind, values)
    occurred_at = _moment(sent.get("occurred_at"), "/occurred_at", now, wrong)
    learned = sent.get("ingested_at")
    if learned is not None and not as_known:
        wrong.append(Wrong("/ingested_at", "not_asked", "is taken only with as_known, for an import of history"))
    ingested_at = _moment(learned, "/ingested_at", now, wrong) if as_known and learned is not None else None
    if wrong or occurred_at is None:
        return wrong
    known_at = min(ingested_at or occurred_at, now) if as_known else now
    return Observation(sent["id"], sent["account"], kind, occurred_at, known_at, sent.get("subject") or "", values)


def _wrong_names(sent: Mapping[str, Sent]) -> list[Wrong]:
    wrong = []
    if _text(sent.get("id")):
        wrong.append(Wrong("/id", "bad_value", f"{_text(sent.get('id'))}, the source's own id of it"))
    account = sent.get("account")
    if not isinstance(account, str) or not _ID.fullmatch(account):
        wrong.append(Wrong("/account", "bad_value", "must be the account's id"))
    if sent.get("subject") not in (None, "") and _text(sent.get("subject")):
        wrong.append(Wrong("/subject", "bad_value", f"{_text(sent.get('subject'))}, or be left out"))
    return wrong


def _wrong_values(kind: str, values: Mapping[str, Sent]) -> list[Wrong]:
    checks, wrong = CHECKS[kind], []
    for name, value in values.items():
        if name not in checks:
            near = get_close_matches(str(name)[:_LONGEST], checks, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else f"; known are {', '.join(sorted(checks))}"
            wrong.append(Wrong(f"/values/{_short(name)}", "unknown_value", f"is no value of {kind}{hint}"))
        elif value is not None and (why := checks[name](value)) is not None:
            wrong.append(Wrong(f"/values/{name}", "bad_value", why))
        if len(wrong) == 5:  # more would help nobody
            break
    return wrong


def _moment(sent: Sent, pointer: str, now: datetime, wrong: list[Wrong]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(sent) if isinstance(sent, str) and len(sent) <= 40 else None
        moment = moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        wrong.append(Wrong(pointer, "bad_value", "must be a moment with its zone, such as 2026-11-25T09:30:00Z"))
    elif not now - BEHIND <= moment <= now + AHEAD:
        wrong.append(Wrong(pointer, "out_of_range", "must be at most ten years ago and at most a day ahead"))
        moment = None
    return moment


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _short(name: Sent) -> str:
    return str(name)[:50].encode(errors="replace").decode().replace("~", "~0").replace("/", "~1")
