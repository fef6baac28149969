"""IANA time zones: which names are zones, and which of several candidates counts."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

# Zone names start with a capital; the files beside them (posixrules, tzdata.zi, right/…) do not.
_NAME = re.compile(r"[A-Z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}")
_NO_PLACE = frozenset({"Factory"})


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo | None:
    """Give the zone of an IANA name such as `Europe/Berlin`, or None if there is none."""
    if not _NAME.fullmatch(name) or name in _NO_PLACE:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Europe" is a folder
        return None


def is_zone(name: str) -> bool:
    """Say whether a name is an IANA zone."""
    return zone_named(name) is not None


def choose_zone(candidates: Sequence[str | None]) -> str:
    """Give the first candidate that is an IANA zone, else `UTC`."""
    return next((name for name in candidates if name and is_zone(name)), "UTC")


@cache
def _by_folded_name() -> dict[str, str]:
    return {name.casefold(): name for name in sorted(available_timezones()) if is_zone(name)}


def suggest_zones(name: str) -> list[str]:
    """Give up to three zones the author may have meant: another case, the city alone, or a slip of the pen."""
    wanted = name[:64].strip().casefold().replace(" ", "_")
    known = _by_folded_name()
    if wanted in known:
        return [known[wanted]]
    same_city = [zone for folded, zone in known.items() if wanted and folded.endswith(f"/{wanted}")]
    return same_city[:3] or [known[match] for match in get_close_matches(wanted, known, n=3, cutoff=0.7)]
