"""Lets accounts into a playbook, or says why not: the decision and everything that follows from it, in one transaction.

However many accounts come at once, it is a handful of statements. Nobody is asked twice: the accounts stay locked until the transaction
ends, and an index refuses a second open enrollment.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from enrollment.deciding import Asked, Decision, decide
from enrollment.rules import Scope
from enrollment.states import Reason, State, move
from playbook_dsl.values import Json
from storage.enrollment.arms import contaminate, draw_arm
from storage.enrollment.experiments import begin_experiment
from storage.enrollment.histories import History, read_histories
from storage.enrollment.plays import Started, begin_play
from storage.enrollment.published import Published
from storage.enrollment.refusals import note_refusals
from storage.enrollment.scopes import scope_of
from storage.enrollment.starts import seal_start
from storage.enrollment_tables import Arm, Enrollment
from storage.facts import AccountRows, read_accounts
from storage.ids import new_id
from storage.repositories.accounts import list_known_account_ids, lock_accounts
from storage.session import Session

_NO_FACTS: Final[Scope] = {}


@dataclass(frozen=True)
class Entry:
    """A way into a playbook, for as many accounts as come that way.

    Args:
        trigger: what it is: manual, api, event, schedule, …
        now: aware; the moment of the decision.
        trigger_id: the `id` of the trigger in the playbook.
        by: who or what brought them.
        inputs: of the plays, checked, in JSON form.
        ignore: rules that are left aside (`enrollment.deciding.IGNORABLE`).
        launch: the launch that brings them.
        key: what "the same" is, when the caller says so and not the playbook.
        rank: how urgent it is against what waits for room; 0 is a person's click.
        held_back: gives the reason and the wave for accounts that have to wait for their launch.
    """

    trigger: str
    now: datetime
    trigger_id: str | None = None
    by: str | None = None
    inputs: Mapping[str, Json] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()
    launch: str | None = None
    key: str | None = None
    rank: int = 0
    held_back: Callable[[str], tuple[Reason, int] | None] = lambda account: None


@dataclass(frozen=True)
class Coming:
    """An account that comes, with the event that brought it. `inputs`, where the event gave some, win over those of the entry."""

    account: str
    event: Mapping[str, Json] | None = None
    inputs: Mapping[str, Json] | None = None


@dataclass(frozen=True)
class Came:
    """What became of one of them. `standing` is the enrollment it has now: the new one, or the one that was in the way."""

    account: str
    decision: Decision
    standing: Enrollment | None
    key: str = ""


@dataclass
class Entered:
    """What became of all of them. `started` are plays that were written down and are now to be begun."""

    came: list[Came] = field(default_factory=list)
    started: list[Started] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Count what became of them, by reason."""
        found: dict[str, int] = {}
        for one in self.came:
            found[one.decision.reason] = found.get(one.decision.reason, 0) + 1
        return found


async def enter(session: Session, playbook: Published, entry: Entry, comings: Sequence[Coming]) -> Entered:
    """Decide about every account that comes, in their order, and write down what follows."""
    work = _Entering(session, playbook, entry)
    await work.read(comings)
    for coming in comings:
        work.take(coming)
    await work.write()
    return work.entered


async def preview(session: Session, playbook: Published, entry: Entry, comings: Sequence[Coming]) -> Entered:
    """Decide about every account that comes as `enter` would, and write nothing: no enrollment, no arm, no refusal, not even a lock."""
    work = _Entering(session, playbook, entry)
    await work.read(comings, lock=False)
    for coming in comings:
        work.take(coming)
    return work.entered


class _Entering:
    def __init__(self, session: Session, playbook: Published, entry: Entry) -> None:
        self._session, self._playbook, self._entry = session, playbook, entry
        self._known: set[str] = set()
        self._histories: dict[str, History] = {}
        self._rows: dict[str, AccountRows] = {}
        self._arms: list[Arm] = []
        self._made: list[Enrollment] = []
        self._contaminated: list[str] = []
        self.entered = Entered()

    async def read(self, comings: Sequence[Coming], *, lock: bool = True) -> None:
        ids = list(dict.fromkeys(coming.account for coming in comings))
        # The locks make a second entry at the same moment wait until it can see this one.
        self._known = set(await lock_accounts(self._session, ids)) if lock else await list_known_account_ids(self._session, ids)
        known = [account for account in ids if account in self._known]
        self._histories = await read_histories(self._session, self._playbook.slug, known, self._entry.now)
        asked = [account for account in known if self._needs_facts(account)]
        if asked:
            self._rows = await read_accounts(self._session, asked)

    def _needs_facts(self, account: str) -> bool:
        """Say whether more than the history is needed; of those that are in the playbook already it mostly is not."""
        enroll = self._playbook.rules.enroll
        if enroll.again_key is not None or enroll.while_active != "ignore":
            return True
        standing = self._histories[account].standing(self._entry.key or "")
        return standing is None or standing.state == State.HELD_OUT

    def take(self, coming: Coming) -> None:
        if coming.account not in self._known:
            decision = Decision(State.REFUSED, Reason.UNKNOWN, f'there is no account "{coming.account[:80]}"')
            self.entered.came.append(Came(coming.account, decision, None))
            return
        entry, rules = self._entry, self._playbook.rules
        history = self._histories[coming.account]
        trigger = self._trigger(coming)
        inputs = entry.inputs if coming.inputs is None else coming.inputs
        rows = self._rows.get(coming.account)
        scope = scope_of(rows, rules, entry.now, trigger=trigger, inputs=inputs) if rows else _NO_FACTS
        key = entry.key if entry.key is not None else rules.key(scope)
        asked = Asked(
            now=entry.now,
            past=history.past(key),
            scope=lambda: scope,
            ignore=entry.ignore,
            arm=lambda stratum: self._arm(coming.account, stratum),
            excluded=history.excluded,
            exempt=history.exempt,
            existed=history.existed,
            once=entry.key is not None,
        )
        decision = self._held_back(coming.account, decide(rules, asked))
        standing = history.standing(key)
        if decision.state is not State.REFUSED:
            start: dict[str, Json] = {"inputs": dict(inputs), "trigger": dict(trigger)}
            standing = self._enrolled(coming.account, key, decision, start)
        self.entered.came.append(Came(coming.account, decision, standing, key))

    def _held_back(self, account: str, decision: Decision) -> Decision:
        """Let those who would enter wait for the approval or the wave of their launch."""
        if decision.reason not in (Reason.ENTERED, Reason.ROOM):
            return decision
        waits = self._entry.held_back(account)
        return decision if waits is None else replace(decision, state=State.QUEUED, reason=waits[0], detail="waits for its launch")

    def _trigger(self, coming: Coming) -> dict[str, Json]:
        entry = self._entry
        said: dict[str, Json] = {"kind": entry.trigger, "id": entry.trigger_id, "by": entry.by}
        if coming.event is not None:
            said["event"] = dict(coming.event)
        return {name: value for name, value in said.items() if value is not None}

    def _arm(self, account: str, stratum: str) -> str:
        history = self._histories[account]
        if history.arm is None:
            history.arm = draw_arm(self._session, self._playbook.rules, self._rows[account], stratum, self._entry.now)
            self._arms.append(history.arm)
        return history.arm.arm

    def _enrolled(self, account: str, key: str, decision: Decision, start: dict[str, Json]) -> Enrollment:
        history, entry, rows = self._histories[account], self._entry, self._rows[account]
        waits = entry.held_back(account)
        alongside = decision.reason in (Reason.PLAY, Reason.RESTART) or history.standing(key) is not None
        row = Enrollment(
            tenant=self._session.tenant,
            id=new_id(),
            playbook=self._playbook.slug,
            account=account,
            key=key,
            episode=history.episodes + 1,
            beside=alongside,
            state=move(State.CONSIDERED, decision.state),
            reason=decision.reason,
            detail=decision.detail,
            version=self._playbook.version,
            trigger=entry.trigger,
            trigger_id=entry.trigger_id,
            launch=entry.launch,
            wave=waits[1] if waits else 0,
            owner=rows.account.csm,
            stratum=decision.stratum or (history.arm.stratum if history.arm else ""),
            rank=entry.rank,
            by=entry.by,
            until=decision.until,
            created_at=entry.now,
            changed_at=entry.now,
        )
        if decision.state is State.ACTIVE:
            # Temporal plays a workflow id once. A key whose play was undone, and counts no more, is played under the next number.
            explicit = f"k-{entry.key}" if entry.key is not None and key not in history.keys else None
            started = begin_play(self._session, self._playbook, row, rows, start, at=entry.now, episode=explicit)
            self.entered.started.append(started)
            if history.is_control:
                self._contaminated.append(account)
        elif decision.state in (State.QUEUED, State.SUPPRESSED):
            row.start = seal_start(self._session, row.id, start, entry.ignore)
        history.add(row)
        self._made.append(row)
        return row

    async def write(self) -> None:
        session = self._session
        if self._arms:
            await begin_experiment(session, self._playbook, self._entry.now)
        session.add_all([*self._arms, *(one.run for one in self.entered.started), *self._made])
        await session.flush()
        await contaminate(session, self._playbook.slug, self._contaminated, self._entry.now)
        refused = [one for one in self.entered.came if one.decision.state is State.REFUSED and one.account in self._known]
        await note_refusals(session, self._playbook, self._entry, [(one.account, one.decision) for one in refused])
