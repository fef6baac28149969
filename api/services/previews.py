"""Who would enter a playbook, and who not and why: decided by the code that lets accounts in, in a transaction that may not write."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text

from api.problems import AudienceNotAsked
from api.schemas.launches import Counted, LaunchPreview, Sampled, WaveOut
from api.services.launch_asked import Prepared
from api.services.power import power_line
from api.services.receipts import csv_line
from enrollment.launches import Course, wave_of
from enrollment.states import Reason, State
from playbook_dsl.plan import ActionStep, walk
from storage.enrollment.admission import read_room
from storage.enrollment.audience import AudienceUnusable, audience_condition, count_audience, page_audience
from storage.enrollment.entering import Came, Coming, Entry, preview
from storage.enrollment.launching import BULK_RANK, PAGE, Listed
from storage.session import Database, Session

_SAMPLE: Final = 5
_READ_ONLY = text("SET TRANSACTION READ ONLY")
_WAITS: Final = (Reason.PLAY, Reason.RESTART)
COLUMNS: Final = ("account", "state", "reason", "detail", "wave")


@dataclass
class _Seen:
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    samples: dict[tuple[str, str], list[Sampled]] = field(default_factory=dict)
    waves: Counter[int] = field(default_factory=Counter)
    enters: int = 0
    waits: int = 0

    def take(self, tenant: str, prepared: Prepared, course: Course, one: Came) -> None:
        kind = (str(one.decision.state), str(one.decision.reason))
        self.counts[kind] += 1
        sample = self.samples.setdefault(kind, [])
        if len(sample) < _SAMPLE:
            sample.append(Sampled(account=one.account, detail=one.decision.detail))
        if enters(one):
            self.enters += 1
            self.waves[wave_of(tenant, prepared.playbook.slug, one.account, course.waves)] += 1
        elif one.decision.state in (State.QUEUED, State.SUPPRESSED):
            self.waits += 1


def enters(one: Came) -> bool:
    """Say whether an account would enter, at once or as soon as there is room."""
    return one.decision.state is State.ACTIVE or (one.decision.state is State.QUEUED and one.decision.reason not in _WAITS)


async def look(database: Database, tenant: str, prepared: Prepared, most: int) -> LaunchPreview:
    """Decide about the accounts of a list, or of the audience, and write nothing.

    Raises:
        AudienceNotAsked: the audience cannot be asked of the database.
    """
    course, seen = Course.of(prepared.playbook.rules.enroll), _Seen()
    now = datetime.now(UTC)
    async with database.begin(tenant) as session:
        await session.execute(_READ_ONLY)
        accounts = await _count(session, prepared, now)
        room = await read_room(session, prepared.playbook.rules, now)
        power = await power_line(session, prepared.playbook.rules, accounts, now)
    async for page in _pages(database, tenant, prepared, most, now):
        for one in page:
            seen.take(tenant, prepared, course, one)
    states = Counter({state: 0 for state in ("held_out", "refused")})
    for (state, _), count in seen.counts.items():
        states[state] += count
    return LaunchPreview(
        playbook=prepared.playbook.slug,
        version=prepared.playbook.version,
        accounts=accounts + prepared.left_out,
        looked_at=sum(seen.counts.values()) + prepared.left_out,
        enters=seen.enters,
        waits=seen.waits,
        held_out=states["held_out"],
        refused=states["refused"] + prepared.left_out,
        reasons=_reasons(seen, prepared),
        room=room.plays,
        power=power,
        approval=list(course.approvers),
        waves=[WaveOut(wave=number, share=share, accounts=seen.waves[number]) for number, share in enumerate(course.waves, 1)],
        messages=_messages(prepared, seen.enters),
        problems=prepared.problems,
        notes=prepared.notes,
    )


async def as_csv(database: Database, tenant: str, prepared: Prepared, most: int) -> AsyncIterator[str]:
    """Give every account with what would become of it, as CSV."""
    course, now = Course.of(prepared.playbook.rules.enroll), datetime.now(UTC)
    yield csv_line(COLUMNS)
    async for page in _pages(database, tenant, prepared, most, now):
        for one in page:
            wave = str(wave_of(tenant, prepared.playbook.slug, one.account, course.waves)) if enters(one) and course.waves else ""
            yield csv_line([one.account, str(one.decision.state), str(one.decision.reason), one.decision.detail, wave])


async def _count(session: Session, prepared: Prepared, now: datetime) -> int:
    if prepared.listed is not None:
        return len(prepared.listed)
    try:
        return await count_audience(session, await audience_condition(session, prepared.playbook.rules.enroll.audience, now))
    except AudienceUnusable as error:
        raise AudienceNotAsked(f'The audience of "{prepared.playbook.slug}" cannot be asked of the database: {error}.') from None


async def _pages(database: Database, tenant: str, prepared: Prepared, most: int, now: datetime) -> AsyncIterator[Sequence[Came]]:
    """Decide page by page, each in a transaction of its own, so that a long list holds nothing open."""
    looked_at, after = 0, ""
    while looked_at < most:
        limit = min(PAGE, most - looked_at)
        async with database.begin(tenant) as session:
            await session.execute(_READ_ONLY)
            if prepared.listed is not None:
                listed = prepared.listed[looked_at : looked_at + limit]
            else:
                condition = await audience_condition(session, prepared.playbook.rules.enroll.audience, now)
                listed = [Listed(account) for account in await page_audience(session, condition, after, limit)]
            if not listed:
                return
            comings = [Coming(one.account, inputs=one.inputs) for one in listed]
            entered = await preview(session, prepared.playbook, _entry(prepared, now), comings)
        looked_at, after = looked_at + len(listed), listed[-1].account
        yield entered.came


def _entry(prepared: Prepared, now: datetime) -> Entry:
    wanted = prepared.wanted
    return Entry(trigger="manual", now=now, inputs=wanted.inputs, ignore=wanted.ignore, key=wanted.key, rank=BULK_RANK)


def _reasons(seen: _Seen, prepared: Prepared) -> list[Counted]:
    found = [
        Counted(state=state, reason=reason, count=count, sample=seen.samples[state, reason])
        for (state, reason), count in sorted(seen.counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return found + [Counted(state="refused", reason=reason, count=count) for reason, count in prepared.counts.items()]


def _messages(prepared: Prepared, plays: int) -> dict[str, int]:
    """Count what would be sent by channel if every play came to every step that sends."""
    sends = Counter(step.sends for step in walk(prepared.playbook.plan.steps) if isinstance(step, ActionStep) and step.sends)
    return {str(channel): count * plays for channel, count in sorted(sends.items())}
