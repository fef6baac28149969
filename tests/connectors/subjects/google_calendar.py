from __future__ import annotations

from connectors.google_calendar.fake import FakeGoogleCalendar
from connectors.google_calendar.vendor import GOOGLE_CALENDAR
from storage.session import Session
from tests.connectors.standard import Subject


async def link(session: Session, account: str) -> None:
    """Nothing is needed of our tables."""


def booked(fake: FakeGoogleCalendar) -> int:
    return sum(event["status"] == "confirmed" for event in fake.events.values())


SUBJECT = Subject(
    vendor=GOOGLE_CALENDAR,
    fake=FakeGoogleCalendar,
    read=lambda client: client.changed("event", None, 100),
    action="meeting.book",
    inputs={"title": "Review", "start": {"$datetime": "2030-03-04T10:00:00+00:00"}, "with": "champion"},
    count=booked,
    link=link,
    effect_path="/events",
    sign_ins=3,
    never_sent=frozenset({"channel_token"}),
    wrong_credentials={"client_id": "other", "client_secret": "other", "refresh_token": "of-somebody-else"},
)
