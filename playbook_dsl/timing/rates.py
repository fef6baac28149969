"""Counts per time, such as `3 per week`."""

import re
from typing import Final

from playbook_dsl.timing.durations import approximate_seconds, parse_duration
from playbook_dsl.timing.errors import TimingError

_RATE: Final = re.compile(r"[1-9][0-9]{0,5}( per (hour|day|week|month|quarter|year|[1-9][0-9]* [a-z ]+))?")


def read_rate(text: str) -> tuple[int, str]:
    """Read `3 per 14 days` as a count and the words of a duration, which are empty for a bare count.

    Raises:
        TimingError: it is no count per time.
    """
    text = text.strip()
    if not _RATE.fullmatch(text):
        raise TimingError(f'"{text}" is no count per time')
    count, _, span = text.partition(" per ")
    span = span if not span or span[0].isdigit() else f"1 {span}"
    if span and approximate_seconds(parse_duration(span)) <= 0:
        raise TimingError(f'"{text}" counts in no time at all')
    return int(count), span
