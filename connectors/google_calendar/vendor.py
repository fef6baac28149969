"""Google Calendar, in facts."""

from typing import TYPE_CHECKING, Final

from pydantic import Field, SecretStr

from connectors.vendor import Allowance, Backoff, Credentials, Vendor

if TYPE_CHECKING:
    from connectors.google_calendar.client import GoogleCalendar


class GoogleCalendarCredentials(Credentials):
    """An OAuth client, and the token that somebody gave it for a calendar."""

    client_id: str = Field(min_length=1, description="Client id of the OAuth client.")
    client_secret: SecretStr = Field(min_length=1, description="Its secret.")
    refresh_token: SecretStr = Field(min_length=1, description="Refresh token with the scopes calendar.events and calendar.freebusy.")
    calendar_id: str = Field("primary", description="The calendar that meetings are put into.")
    channel_token: SecretStr | None = Field(None, description="Token that push notifications must bring along.")


def _open(credentials: Credentials, sandbox_url: str | None) -> "GoogleCalendar":
    from connectors.google_calendar.client import GoogleCalendar  # the SDK takes half a second to import

    return GoogleCalendar(GoogleCalendarCredentials.model_validate(credentials), base_url=sandbox_url)


GOOGLE_CALENDAR: Final = Vendor["GoogleCalendar"](
    name="google_calendar",
    title="Google Calendar",
    credentials=GoogleCalendarCredentials,
    open=_open,
    sandbox={
        "client_id": "sandbox",
        "client_secret": "sandbox-secret",
        "refresh_token": "sandbox-refresh",
        "channel_token": "sandbox-channel",
    },
    allowance=Allowance(per_hour=200, burst=300),
    backoff=Backoff(growth="linear", first_s=5),
    records=("event",),
    reader="connectors.google_calendar.webhooks:read_events",
    stand_in="connectors.google_calendar.fake:FakeGoogleCalendar",
)
