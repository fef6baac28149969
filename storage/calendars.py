"""The business calendar of an account: its zone and the public holidays of its country, with the team's own closed days."""

from datetime import UTC, date, datetime

from playbook_dsl.timing.calendar import BusinessCalendar
from playbook_dsl.timing.errors import TimingError, UnknownCountry
from playbook_dsl.timing.holidays import calendar_for
from playbook_dsl.timing.zones import choose_zone
from storage.tables import Account, Tenant


def calendar_of(account: Account | None, tenant: Tenant | None) -> BusinessCalendar:
    """Give the calendar of an account; where it says nothing, the team's counts."""
    zone = choose_zone([account.zone if account else None, tenant.zone if tenant else None])
    country = (account.country if account else None) or (tenant.country if tenant else None)
    settings = tenant.settings if tenant else {}
    opens, _, closes = str(settings.get("hours") or "09:00-17:00").partition("-")
    today = datetime.now(UTC).date()
    extra = _closed_days(settings.get("closed"))
    try:
        return calendar_for(country, zone, today, extra, (opens.strip(), closes.strip()))
    except UnknownCountry:
        # A country whose holidays nobody lists has weekends at least.
        return calendar_for(None, zone, today, extra, (opens.strip(), closes.strip()))
    except TimingError:
        return calendar_for(country, zone, today, extra)


def _closed_days(written: object) -> tuple[date, ...]:
    return tuple(date.fromisoformat(str(day)) for day in written) if isinstance(written, list) else ()
