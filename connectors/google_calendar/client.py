"""Google Calendar through Google's own SDK, which blocks: each call runs in a thread, on a connection of its own."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import httplib2
import requests
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import Error, HttpError

from connectors.blocking import in_thread
from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable, error_for_status, pause_of
from connectors.google_calendar.events import CalendarEvent, moment_of
from connectors.google_calendar.vendor import GoogleCalendarCredentials
from connectors.records import Record, RecordPage

TIMEOUT_S = 20.0
_TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address
_SCOPES: Final = ("https://www.googleapis.com/auth/calendar.events", "https://www.googleapis.com/auth/calendar.freebusy")
_TROUBLE: Final = (HttpError, GoogleAuthError, Error, requests.RequestException, ValueError, TypeError, KeyError)
_LIMITS: Final = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})

Busy: TypeAlias = Mapping[str, Sequence[tuple[datetime, datetime]]]
"""By address when somebody is busy, aware UTC."""
Request: TypeAlias = Any
"""A request of the SDK, which is made at run time from Google's description and has no type."""


class GoogleCalendar:
    """One calendar, and whom its owner may ask for free times."""

    def __init__(self, credentials: GoogleCalendarCredentials, *, base_url: str | None = None) -> None:
        """Prepare; nothing is called yet. `base_url` is where a sandbox stands in for Google."""
        self._calendar = credentials.calendar_id
        # The library gets a new access token whenever the old one is over.
        self._credentials = Credentials(  # type: ignore[no-untyped-call]  # the library has no annotations
            token=None,
            refresh_token=credentials.refresh_token.get_secret_value(),
            client_id=credentials.client_id,
            client_secret=credentials.client_secret.get_secret_value(),
            token_uri=f"{base_url}/token" if base_url else _TOKEN_URL,
            scopes=_SCOPES,
        )
        self._session = AuthorizedSession(self._credentials)  # type: ignore[no-untyped-call]  # as above
        self._session.trust_env = False
        endpoint = {"api_endpoint": f"{base_url}/calendar/v3/"} if base_url else None
        self._api = build(
            "calendar", "v3", http=_Wire(self._session), static_discovery=True, client_options=endpoint, cache_discovery=False
        )

    async def verify(self) -> str:
        """Read the calendar's name."""
        return str((await self._asked(self._api.calendars().get(calendarId=self._calendar)))["summary"])

    async def close(self) -> None:
        """Let the connections go."""
        self._session.close()  # type: ignore[no-untyped-call]  # as above

    async def busy(self, addresses: Sequence[str], start: datetime, end: datetime) -> Busy:
        """Give when each of these people is busy; who cannot be asked is left out."""
        body = {"timeMin": _at(start), "timeMax": _at(end), "items": [{"id": address} for address in addresses]}
        found = (await self._asked(self._api.freebusy().query(body=body)))["calendars"]
        return {
            address: [(moment_of(span["start"]), moment_of(span["end"])) for span in calendar["busy"]]
            for address, calendar in found.items()
            if not calendar.get("errors")
        }

    async def event(self, event_id: str) -> CalendarEvent | None:
        """Give an event, also a cancelled one; None when it is not there."""
        try:
            return await self._asked(self._api.events().get(calendarId=self._calendar, eventId=event_id))
        except Rejected:
            return None

    async def book(self, event: CalendarEvent) -> CalendarEvent:
        """Make an event under the id it brings; one that is there already is given as it is."""
        wanted = 1 if "conferenceData" in event else 0
        request = self._api.events().insert(calendarId=self._calendar, body=event, sendUpdates="all", conferenceDataVersion=wanted)
        try:
            return await self._asked(request)
        except Rejected:
            made = await self.event(event["id"])
            if made is None:
                raise
            return made

    async def change(self, event_id: str, changes: CalendarEvent) -> CalendarEvent:
        """Change parts of an event and tell the guests."""
        return await self._asked(self._api.events().patch(calendarId=self._calendar, eventId=event_id, body=changes, sendUpdates="all"))

    async def cancel(self, event_id: str) -> bool:
        """Cancel an event and tell the guests; False when it is gone already."""
        request = self._api.events().delete(calendarId=self._calendar, eventId=event_id, sendUpdates="all")
        try:
            await self._asked(request)
        except Rejected:
            if await self._is_there(event_id):
                raise
            return False
        return True

    async def _is_there(self, event_id: str) -> bool:
        found = await self.event(event_id)
        return found is not None and found.get("status") != "cancelled"

    async def changed(self, kind: str, cursor: str | None, limit: int) -> RecordPage:
        """Give events that changed. The cursor is Google's sync token, and its page token before it while a listing is not through.

        A sync token that is too old (status 410) begins anew: everything comes again, and nothing is missed.
        """
        page, _, since = (cursor or "").removeprefix("page:").removeprefix("sync:").rpartition(" ")
        # Google wants a further page to be asked for with all that its first page was asked for with.
        how = {name: token for name, token in (("pageToken", page), ("syncToken", since)) if token}
        request = self._api.events().list(
            calendarId=self._calendar, maxResults=min(limit, 2500), singleEvents=True, showDeleted=True, **how
        )
        try:
            found = await self._asked(request)
        except Rejected:
            if not cursor:
                raise
            return await self.changed(kind, None, limit)
        records = tuple(Record("event", each["id"], each, deleted=each.get("status") == "cancelled") for each in found["items"])
        if "nextPageToken" in found:
            return RecordPage(records, f"page:{found['nextPageToken']} {since}", more=True)
        return RecordPage(records, f"sync:{found['nextSyncToken']}", more=False)

    async def _asked(self, request: Request) -> CalendarEvent:
        return await in_thread("Google Calendar", TIMEOUT_S + 5, self._execute, request)

    def _execute(self, request: Request) -> CalendarEvent:
        try:
            found = request.execute(http=_Wire(self._session), num_retries=0)
        except _TROUBLE as error:
            raise _ours(error) from error
        if found in ("", b""):
            return {}
        if not isinstance(found, dict):
            raise Unavailable("Google Calendar's answer is not one of its API", maybe_done=True)
        return found


class _Wire:
    """What the SDK sends through, in the form it expects of httplib2, which by itself sends a request again when a connection drops.

    What was sent may have taken effect, and whether to send it again is for the ledger to say.
    """

    def __init__(self, session: AuthorizedSession) -> None:
        self._session = session

    def request(self, uri: str, method: str = "GET", body: bytes | str | None = None, **others: Any) -> tuple[httplib2.Response, bytes]:
        """Send one request, with an access token that holds."""
        headers = {name: value for name, value in (others.get("headers") or {}).items() if name.lower() != "accept-encoding"}
        send: Any = self._session.request
        answer = send(method, uri, data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False)
        return httplib2.Response(
            {**{name.lower(): value for name, value in answer.headers.items()}, "status": str(answer.status_code)}
        ), answer.content


def _ours(error: Exception) -> ConnectorError:
    match error:
        case RefreshError() if not error.retryable:
            return NotAuthorized("Google does not accept the refresh token any more; connect google_calendar again")
        case GoogleAuthError():
            return Unavailable("Google's sign-in does not answer")
        case HttpError():
            return _of_status(error)
        case requests.exceptions.JSONDecodeError():
            return Unavailable("Google Calendar's answer is not one of its API", maybe_done=True)
        case requests.exceptions.ConnectTimeout():
            return Unavailable("Google Calendar cannot be reached")
        case requests.RequestException():
            return Unavailable(f"Google Calendar did not finish its answer: {type(error).__name__}", maybe_done=True)
        case ValueError() | TypeError() | KeyError():
            return Unavailable("Google Calendar's answer is not one of its API", maybe_done=True)
    return Unavailable(f"Google Calendar did not finish its answer: {type(error).__name__}", maybe_done=True)


def _of_status(error: HttpError) -> ConnectorError:
    status = int(error.resp.status)
    message = f"Google Calendar: {str(error.reason or f'status {status}')[:300]}"
    retry_after = error.resp.get("retry-after")
    if status == 403 and _reasons(error) & _LIMITS:
        return RateLimited(message, pause_of(retry_after))
    return error_for_status(status, message, retry_after=retry_after) or Unavailable(message, maybe_done=True)


def _reasons(error: HttpError) -> set[str]:
    details = error.error_details if isinstance(error.error_details, list) else []
    return {str(each.get("reason")) for each in details if isinstance(each, dict)}


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
