from __future__ import annotations

from datetime import timedelta

import pytest

from playbook_dsl.timing.schedule import Calendar, Schedule, WrongSchedule, in_words, read_schedule

GOOD = [
    ("0 7 * * 1-5", Schedule(cron="0 7 * * 1-5"), "the schedule “0 7 * * 1-5” comes round (UTC)"),
    (
        {"cron": "0 7 * * 1", "timezone": "Europe/Berlin", "jitter": "10 minutes", "overlap": "queue", "catch_up": "1 day", "paused": True},
        Schedule("0 7 * * 1", None, None, "Europe/Berlin", timedelta(minutes=10), "queue", timedelta(days=1), True),
        "the schedule “0 7 * * 1” comes round (Europe/Berlin)",
    ),
    ({"every": "6 hours"}, Schedule(every=timedelta(hours=6)), "6 hours have passed"),
    (
        {"calendar": {"weekdays": ["monday", "thu"], "at": "07:30"}, "timezone": "Asia/Tokyo"},
        Schedule(calendar=Calendar(7, 30, weekdays=(1, 4)), zone="Asia/Tokyo"),
        "it is Monday, Thursday at 07:30 (Asia/Tokyo)",
    ),
    (
        {"calendar": {"days": [15, 1], "months": "march", "at": "00:00"}},
        Schedule(calendar=Calendar(0, 0, days=(1, 15), months=(3,))),
        "it is 1., 15. of March at 00:00 (UTC)",
    ),
]
WRONG = [
    ("0 7 30 2 *", "cron", None),
    ({"cron": "0 7 * * *", "timezone": "Europe/Berln"}, "timezone", '"Europe/Berln" is not a time zone; did you mean "Europe/Berlin"?'),
    ({"cron": "0 7 * * *", "every": "6 hours"}, "every", "a schedule has one of cron, every and calendar"),
    ({}, "", "a schedule has one of cron, every and calendar"),
    ({"every": "1 month"}, "every", '"1 month" has no fixed length here: write minutes, hours, days or weeks'),
    ({"every": "10 seconds"}, "every", '"10 seconds" is too short: at least 1 minute'),
    ({"every": "soon"}, "every", None),
    ({"calendar": {"at": "7 o'clock"}}, "calendar.at", "a calendar says at what time of day: write at: 07:00"),
    ({"calendar": {"at": "24:00"}}, "calendar.at", None),
    ({"calendar": {"days": [31], "months": ["april", "june"], "at": "07:00"}}, "calendar.days", None),
    ({"calendar": {"days": [0], "at": "07:00"}}, "calendar.days", '"0" is not a number from 1 to 31'),
    ({"calendar": {"weekdays": ["someday"], "at": "07:00"}}, "calendar.weekdays", None),
    ({"every": "1 hour", "overlap": "maybe"}, "overlap", '"maybe" is not one of skip, queue, alongside'),
]


@pytest.mark.parametrize(("given", "schedule", "words"), GOOD, ids=lambda value: str(value)[:40])
def test_what_an_author_writes_is_read(given: object, schedule: Schedule, words: str) -> None:
    assert read_schedule(given) == schedule
    assert in_words(schedule) == words


@pytest.mark.parametrize(("given", "key", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_what_cannot_be_used_is_named(given: object, key: str, message: str | None) -> None:
    with pytest.raises(WrongSchedule) as wrong:
        read_schedule(given)
    assert wrong.value.key == key
    assert message is None or str(wrong.value) == message
