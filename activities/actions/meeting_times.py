"""`meeting.find_slot`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from activities.connections import Connections
from activities.definitions.meetings import MEETING_FIND_SLOT, FindSlotInput, Slot, SlotsOutput
from activities.effects import Inputs, Outcome, ReadAction, Work
from activities.failures import Nobody, NotFound
from activities.owners import resolve_owner
from activities.reading import output_of, read_inputs, read_moment
from activities.recipients import resolve_recipients
from activities.slots import find_slots
from connectors.google_calendar.vendor import GOOGLE_CALENDAR
from playbook_dsl.timing.calendar import BusinessCalendar
from storage.calendars import calendar_of
from storage.repositories.accounts import find_account
from storage.repositories.tenants import find_tenant
from storage.session import Session


class FindSlot(ReadAction):
    """Finds times at which both sides can."""

    contract = MEETING_FIND_SLOT
    vendor = GOOGLE_CALENDAR

    def __init__(self, connections: Connections) -> None:
        """Ask through these connections."""
        self._connections = connections

    async def prepare(self, session: Session, work: Work) -> Inputs:
        """Settle whose calendars are looked at, and the working hours of both sides."""
        inputs = read_inputs(FindSlotInput, work.call)
        account = await find_account(session, work.run.account)
        if account is None:
            raise NotFound(f'there is no account "{work.run.account}"')
        host = await resolve_owner(session, work.run.account, inputs.host)
        addresses = [host.email]
        if inputs.with_:
            found = await resolve_recipients(session, work.run.account, inputs.with_, channel="meeting")
            if not found.recipients:
                raise Nobody(f"nobody to meet: {found.why_nobody}")
            addresses += [guest.address for guest in found.recipients]
        tenant = await find_tenant(session)
        theirs, ours = calendar_of(account, tenant), calendar_of(None, tenant)
        if host.zone:
            ours = replace(ours, zone=host.zone)
        after = read_moment(inputs.after, "after") if inputs.after is not None else datetime.now(UTC) + timedelta(hours=1)
        return {
            "addresses": addresses,
            "calendars": [theirs.to_json(), ours.to_json()],
            "after": after.isoformat(),
            "until": (after + timedelta(days=inputs.days)).isoformat(),
            "minutes": inputs.minutes,
            "most": inputs.at_most,
        }

    async def read(self, work: Work, request: Inputs) -> Outcome:
        """Ask who is busy when, and look for times between."""
        client = await self._connections.client(work.run.tenant, GOOGLE_CALENDAR)
        after, until = datetime.fromisoformat(request["after"]), datetime.fromisoformat(request["until"])
        busy = await client.busy(request["addresses"], after, until)
        found = find_slots(
            [BusinessCalendar.from_json(calendar) for calendar in request["calendars"]],
            [span for spans in busy.values() for span in spans],
            after=after,
            until=until,
            length=timedelta(minutes=request["minutes"]),
            most=request["most"],
        )
        slots = [Slot(start=start, end=end) for start, end in found]
        first = slots[0] if slots else None
        output = SlotsOutput(
            found=first is not None,
            start=first.start if first else None,
            end=first.end if first else None,
            slots=slots,
            not_asked=len(set(request["addresses"]) - busy.keys()),
        )
        return Outcome(output_of(output))
