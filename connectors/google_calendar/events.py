"""Events of Google Calendar as plain JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

CalendarEvent: TypeAlias = dict[str, Any]
"""An event of Google's API as plain JSON."""


def start_of(event: CalendarEvent) -> datetime:
    """Give when an event begins, aware UTC; one of a whole day at its midnight in UTC."""
    return _edge(event["start"])


def end_of(event: CalendarEvent) -> datetime:
    """Give when an event ends."""
    return _edge(event["end"])


def moment_of(text: str) -> datetime:
    """Read a moment as Google writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def _edge(edge: Mapping[str, str]) -> datetime:
    return moment_of(edge["dateTime"]) if "dateTime" in edge else datetime.fromisoformat(edge["date"]).replace(tzinfo=UTC)
