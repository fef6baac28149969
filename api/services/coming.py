"""Brings in the accounts for which something occurred: the rules are asked, and the plays of those who enter begin.

What occurred is done in the transaction in which its account enters or does not. Whatever dies in between, it occurs once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from api.forms import check_form
from api.plays import Plays
from api.services.admitting import admit_playbook
from api.services.news import tell_event
from api.services.references import unknown_references
from api.services.starting import begin_all
from enrollment.deciding import Decision
from enrollment.rules import Scope, evaluate, holds
from enrollment.states import Reason, State
from playbook_dsl.enrollment import Trigger
from playbook_dsl.values import Json, to_json
from storage.enrollment.entering import Coming, Entered, Entry, enter
from storage.enrollment.published import Published, find_published, list_published
from storage.enrollment.refusals import note_refusals
from storage.enrollment.scopes import scope_of
from storage.facts import AccountRows, read_accounts
from storage.repositories.events import fields_of, list_events_by_ids, list_events_since
from storage.repositories.playbooks import find_playbook
from storage.session import Database, Session
from storage.tables import Occurrence
from storage.triggers.changes import take_changes
from storage.triggers.holding import Verdict, ask_whether_held
from storage.triggers.launching import fill_launch, join_later, list_filling, note_launched
from storage.triggers.looking import forget_old, list_due_watches, look
from storage.triggers.queue import end_occurrences, list_due_playbooks, list_next, put_off, try_lock
from storage.triggers.watching import PUBLISHED, keep_watches

log = structlog.get_logger()

MOST_AT_ONCE: Final = 200
"""How many accounts are brought in in one transaction."""
_MOST_ROUNDS: Final = 50
_MOST_PAGES: Final = 20
_LONGEST_PAUSE_S: Final = 300.0
_BY: Final = "playkeeper"


@dataclass
class Brought:
    """What came of one round. `runs` are plays to begin; `full`: there may be more."""

    runs: list[str] = field(default_factory=list)
    entered: bool = False
    full: bool = False


async def relay_changes(database: Database, plays: Plays, tenant: str) -> None:
    """Look at the changes of facts that are new, go on with launches, then bring in everybody for whom something is due."""
    for _ in range(_MOST_ROUNDS):
        async with database.begin(tenant) as session:
            taken = await take_changes(session, datetime.now(UTC))
        if not taken:
            break
    async with database.begin(tenant) as session:
        launches = await list_filling(session)
    for launch in launches:
        for _ in range(_MOST_PAGES):
            async with database.begin(tenant) as session:
                more = await fill_launch(session, launch, datetime.now(UTC))
            if not more:
                break
    await bring_in_all(database, plays, tenant)


async def relay_looks(database: Database, tenant: str, every: timedelta) -> None:
    """Look at the clock for every trigger for which that was not done since `every`."""
    before = datetime.now(UTC) - every
    async with database.begin(tenant) as session:
        due = await list_due_watches(session, before)
    for slug, trigger in due:
        async with database.begin(tenant) as session:
            await look(session, slug, trigger, before, datetime.now(UTC))


async def relay_housekeeping(database: Database, tenant: str) -> None:
    """Bring in who joined the audience of an event that goes on, watch what is published, and forget what nobody asks for any more."""
    now = datetime.now(UTC)
    async with database.begin(tenant) as session:
        slugs = [playbook.slug for playbook in await list_published(session)]
        launches = await list_filling(session)
    for slug in slugs:
        async with database.begin(tenant) as session:
            # Nobody publishes another version meanwhile.
            await find_playbook(session, slug, lock=True)
            playbook = await find_published(session, slug)
            if playbook is not None:
                await keep_watches(session, playbook, now)
    for launch in launches:
        after: str | None = ""
        while after is not None:
            async with database.begin(tenant) as session:
                after = await join_later(session, launch, after, now)
    async with database.begin(tenant) as session:
        await forget_old(session, now)


async def bring_in_all(database: Database, plays: Plays, tenant: str) -> None:
    """Bring in the accounts for which something is due."""
    async with database.begin(tenant) as session:
        due = await list_due_playbooks(session, datetime.now(UTC))
    for slug in due:
        await bring_in(database, plays, tenant, slug)


async def bring_in(database: Database, plays: Plays, tenant: str, slug: str) -> None:
    """Bring accounts into a playbook, some hundred in a transaction, as long as something is due."""
    for _ in range(_MOST_ROUNDS):
        brought = await _one_round(database, tenant, slug)
        await begin_all(database, plays, tenant, brought.runs)
        if brought.entered:
            await admit_playbook(database, plays, tenant, slug)
        if not brought.full:
            break


async def _one_round(database: Database, tenant: str, slug: str) -> Brought:
    try:
        return await bring_in_once(database, tenant, slug)
    except (OSError, DBAPIError) as error:
        log.warning("accounts not brought in yet", playbook=slug, reason=type(error).__name__)
        return Brought()
    except Exception as error:  # one that cannot be brought in must not keep the others
        log.warning("accounts are brought in one by one", playbook=slug, reason=type(error).__name__)
        return await _one_by_one(database, tenant, slug)


async def _one_by_one(database: Database, tenant: str, slug: str) -> Brought:
    """Bring in each by itself; those that fail are tried later, so that the others come first."""
    runs: list[str] = []
    for _ in range(MOST_AT_ONCE):
        try:
            brought = await bring_in_once(database, tenant, slug, most=1)
        except Exception as error:  # whatever it is, it is this one's
            log.warning("account not brought in yet", playbook=slug, reason=type(error).__name__)
            async with database.begin(tenant) as session:
                now = datetime.now(UTC)
                for row in await list_next(session, slug, now, 1):
                    await put_off(session, [row.id], now + timedelta(seconds=min(2.0**row.tries, _LONGEST_PAUSE_S)), failed=True)
            continue
        runs += brought.runs
        if not brought.full:
            break
    return Brought(runs, entered=bool(runs))


async def bring_in_once(database: Database, tenant: str, slug: str, *, most: int = MOST_AT_ONCE) -> Brought:
    """Decide about the accounts that come next, in one transaction. Nothing while somebody else does so for the playbook."""
    async with database.begin(tenant) as session:
        if not await try_lock(session, f"come:{slug}"):
            return Brought()
        now = datetime.now(UTC)
        rows = await list_next(session, slug, now, most)
        if not rows:
            return Brought()
        playbook = await find_published(session, slug)
        if playbook is None:
            await end_occurrences(session, {"gone": [row.id for row in rows]}, now)
            return Brought(full=len(rows) == most)
        work = _Bringing(session, playbook, now)
        # In their order, so that of one account what happened first comes first, whichever trigger it was.
        for (trigger_id, kind, launch, rank), group in groupby(rows, key=lambda row: (row.trigger, row.kind, row.launch, row.rank)):
            entry = Entry(trigger=kind, trigger_id=trigger_id or None, now=now, by=_BY, launch=launch, rank=rank)
            await work.bring(entry, list(group))
        await work.write()
        return Brought([one.run.id for one in work.started], entered=work.entered, full=len(rows) == most)


class _Bringing:
    def __init__(self, session: Session, playbook: Published, now: datetime) -> None:
        self._session, self._playbook, self._now = session, playbook, now
        self._triggers = {trigger.id: trigger for trigger in playbook.rules.enroll.triggers}
        self._outcomes: dict[str, list[int]] = {}
        self._later: dict[datetime, list[int]] = {}
        self.started = Entered().started
        self.entered = False

    async def bring(self, entry: Entry, rows: Sequence[Occurrence]) -> None:
        trigger = self._triggers.get(entry.trigger_id or "")
        if trigger is None and entry.trigger != PUBLISHED:
            self._end("gone", rows)
            return
        facts = await self._facts(trigger, rows)
        events = await list_events_by_ids(self._session, [row.event for row in rows if row.event])
        fields = {name: fields_of(self._session, event) for name, event in events.items()}
        scopes = {row.id: self._scope(entry, row, facts, fields) for row in rows if row.account in facts}
        fires = await self._firing(trigger, rows, scopes)
        refused: list[tuple[str, Decision]] = []
        comings: list[tuple[Occurrence, Coming]] = []
        for row in fires:
            said = await self._coming(trigger, row, scopes.get(row.id), fields)
            if isinstance(said, Coming):
                comings.append((row, said))
            else:
                refused.append((row.account, said))
                self._end("condition" if said.reason is Reason.CONDITION else "refused", [row])
        known = [one for one in refused if one[0] in facts]
        await note_refusals(self._session, self._playbook, entry, known)
        counts: dict[str, int] = {}
        for _, decision in refused:
            counts[decision.reason] = counts.get(decision.reason, 0) + 1
        if comings:
            counts |= await self._enter(entry, comings)
        if entry.launch is not None and counts:
            await note_launched(self._session, entry.launch, counts)

    async def _facts(self, trigger: Trigger | None, rows: Sequence[Occurrence]) -> dict[str, AccountRows]:
        """Read the accounts where more than entering itself looks at them."""
        looked_at = trigger is not None and (trigger.when or trigger.kind in ("score", "becomes"))
        if not looked_at and not self._playbook.plan.inputs:
            return {}
        return await read_accounts(self._session, list(dict.fromkeys(row.account for row in rows)))

    def _scope(self, entry: Entry, row: Occurrence, facts: Mapping[str, AccountRows], fields: Mapping[str, dict[str, Json]]) -> Scope:
        said: dict[str, Json] = {"kind": entry.trigger, "id": entry.trigger_id}
        if row.event and row.event in fields:
            said["event"] = dict(fields[row.event])
        return scope_of(facts[row.account], self._playbook.rules, self._now, trigger=said)

    async def _firing(self, trigger: Trigger | None, rows: Sequence[Occurrence], scopes: Mapping[int, Scope]) -> list[Occurrence]:
        """Give those that held as long as they had to; what has to be asked again is put off."""
        if trigger is None:
            return list(rows)
        by_account = {row.account: scopes[row.id] for row in rows if row.id in scopes}
        verdicts: dict[int, Verdict] = await ask_whether_held(self._session, trigger, rows, by_account, self._now)
        for row in rows:
            verdict = verdicts[row.id]
            if isinstance(verdict, datetime):
                self._later.setdefault(verdict, []).append(row.id)
            elif not verdict:
                self._end("not_held", [row])
        return [row for row in rows if verdicts[row.id] is True]

    async def _coming(
        self, trigger: Trigger | None, row: Occurrence, scope: Scope | None, fields: Mapping[str, dict[str, Json]]
    ) -> Coming | Decision:
        if scope is not None and trigger is not None and trigger.when and not holds(trigger.when, scope):
            return Decision(State.REFUSED, Reason.CONDITION, f'does not meet the condition of the trigger "{trigger.id}": {trigger.when}')
        event = fields.get(row.event or "")
        if scope is None or not self._playbook.plan.inputs:
            return Coming(row.account, event=event)
        inputs, wrong = await self._inputs(scope)
        if wrong:
            detail = f"does not enter because its inputs do not fit the form: {'; '.join(wrong)}"
            return Decision(State.REFUSED, Reason.BAD_INPUTS, detail)
        return Coming(row.account, event=event, inputs=inputs)

    async def _inputs(self, scope: Scope) -> tuple[dict[str, Json], list[str]]:
        """Fill in the form from the event and the facts where the playbook says so, and its defaults."""
        form = self._playbook.plan.inputs
        given = {one.name: to_json(evaluate(one.from_, scope)) for one in form if one.from_}
        values, wrong = check_form(form, {name: value for name, value in given.items() if value is not None}, "#/inputs")
        wrong = wrong or await unknown_references(self._session, form, values, "#/inputs")
        return values, [f'"{one.pointer.rpartition("/")[2]}" {one.detail}' for one in wrong]

    async def _enter(self, entry: Entry, comings: Sequence[tuple[Occurrence, Coming]]) -> dict[str, int]:
        entered = await enter(self._session, self._playbook, entry, [coming for _, coming in comings])
        for (row, _), came in zip(comings, entered.came, strict=True):
            self._end("refused" if came.decision.state is State.REFUSED else "entered", [row])
        self.entered = self.entered or any(came.decision.state is not State.REFUSED for came in entered.came)
        self.started += entered.started
        await self._catch_up(entered, [row for row, _ in comings])
        return entered.counts()

    async def _catch_up(self, entered: Entered, rows: Sequence[Occurrence]) -> None:
        """Tell the plays what happened to their account between what started them and their start."""
        runs = {one.run.account: one.run for one in entered.started}
        since = {row.account: row.due_at for row in reversed(rows) if row.account in runs}
        own = {row.event for row in rows}
        for event in await list_events_since(self._session, since):
            if event.id not in own:
                await tell_event(self._session, event, fields_of(self._session, event), [runs[str(event.account)]])

    def _end(self, outcome: str, rows: Sequence[Occurrence]) -> None:
        self._outcomes.setdefault(outcome, []).extend(row.id for row in rows)

    async def write(self) -> None:
        """Note what came of all of them; last, so that nobody who notes something waits for us while we wait for its account."""
        await end_occurrences(self._session, self._outcomes, self._now)
        for due_at, ids in self._later.items():
            await put_off(self._session, ids, due_at)
