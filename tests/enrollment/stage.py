"""A case in the real database: its rows are written, and then its acts happen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import col

from enrollment.states import State
from playbook_dsl.plan import Plan
from storage.enrollment.admission import admit, leave
from storage.enrollment.entering import Coming, Entered, Entry, enter
from storage.enrollment.leaving import play_ended, play_taken_up
from storage.enrollment.plays import Started
from storage.enrollment.published import Published, find_published
from storage.enrollment.starts import seal_start
from storage.enrollment_tables import Arm, Baseline, Enrollment, Exemption, Launch
from storage.ids import new_id
from storage.repositories.playbooks import NewVersion, publish_version, save_draft
from storage.repositories.tenants import save_tenant
from storage.session import Session
from storage.tables import Account, Run
from tests.database import TENANT
from tests.enrollment.cases import ACCOUNT, Case, Tree
from tests.enrollment.model import account_row, row_of, tenant_row


async def publish(session: Session, plan: Plan) -> Published:
    """Publish a compiled playbook."""
    version = await save_draft(session, NewVersion(source=plan.to_json(), plan=plan, digest=plan.digest(), by="maria"))
    await publish_version(session, version)
    found = await find_published(session, plan.playbook)
    assert found is not None
    return found


class Stage:
    """A case on its way. Accounts are named `<slug>.<name>`, so that cases do not meet."""

    def __init__(self, case: Case, session: Session) -> None:
        self.case, self.session = case, session

    def id_of(self, name: str) -> str:
        """Give the id of an account of the case."""
        return f"{self.case.slug}.{name}"

    async def set_up(self) -> None:
        """Write what is there before anybody comes."""
        case, session = self.case, self.session
        await save_tenant(session, tenant_row(case))
        await publish(session, case.plan())
        for name in case.accounts:
            session.add(account_row(case, name))
        for name, launch in case.launches.items():
            session.add(Launch(tenant=TENANT, id=self.id_of(name), playbook=case.slug, version=1, **launch))
        for number, given in enumerate(case.history, 1):
            self._enrollment(given, number)
        for name, plays in case.plays.items():
            for slug in plays:
                session.add(self._run(self.id_of(name), slug, case.now, "running"))
        for name, arm in case.arms.items():
            fields = {"arm": arm} if isinstance(arm, str) else arm
            row = Arm(tenant=TENANT, playbook=case.slug, account=self.id_of(name), share=0.5, drawn_at=case.now, arm=fields["arm"])
            row.stratum = fields.get("stratum", "")
            session.add(row)
        for one in case.exemptions:
            session.add(self._exemption(one))
        for name in case.existed:
            session.add(Baseline(tenant=TENANT, playbook=case.slug, account=self.id_of(name)))
        await session.flush()

    def _enrollment(self, given: Tree, number: int) -> None:
        row = row_of(self.case, given)
        enrollment = Enrollment(
            tenant=TENANT,
            id=new_id(),
            playbook=self.case.slug,
            account=self.id_of(row.account),
            key=row.key,
            episode=number,
            beside=row.beside,
            state=row.state,
            reason=row.reason or {"active": "entered", "queued": "waits_for_room", "suppressed": "delayed"}.get(row.state, row.state),
            version=1,
            trigger=given.get("trigger", "event"),
            launch=self.id_of(given["launch"]) if "launch" in given else None,
            wave=given.get("wave", 0),
            rank=given.get("rank", 2),
            owner=given.get("owner"),
            until=row.until,
            created_at=row.at,
            changed_at=row.left or row.at,
            left_at=row.left,
        )
        if row.state in ("active", "left") and row.reason not in ("withdrawn", "no_longer_eligible", "observed"):
            run = self._run(enrollment.account, self.case.slug, row.at, "closed" if row.state == "left" else "running")
            self.session.add(run)
            enrollment.run, enrollment.begun_at = run.id, row.at
        elif row.state in ("queued", "suppressed"):
            start: Tree = {"inputs": {}, "trigger": {"kind": enrollment.trigger, **({"event": given["event"]} if "event" in given else {})}}
            enrollment.start = seal_start(self.session, enrollment.id, start, set(given.get("ignore", ())))
        self.session.add(enrollment)

    def _run(self, account: str, slug: str, at: datetime, state: str) -> Run:
        run_id = new_id()
        return Run(
            tenant=TENANT,
            id=run_id,
            chain=run_id,
            workflow_id=run_id,
            account=account,
            playbook=slug,
            version=1,
            state=state,
            started_at=at,
        )

    def _exemption(self, one: Tree) -> Exemption:
        kind = "segment" if "segment" in one else "account"
        return Exemption(
            tenant=TENANT,
            id=new_id(),
            playbook=one.get("playbook", self.case.slug),
            of=one.get("of", "playbook"),
            kind=kind,
            value=one["segment"] if kind == "segment" else self.id_of(one.get("account", ACCOUNT)),
            because=one.get("because", "Because"),
            by="maria",
            until=self.case.at(one.get("until")),
            created_at=self.case.now,
        )

    async def enter(self, comers: list[Tree], now: datetime) -> Entered:
        """Let accounts come, as one batch; how they come stands in the first."""
        how = comers[0]
        playbook = await find_published(self.session, self.case.slug)
        assert playbook is not None
        entry = Entry(
            trigger=how.get("trigger", "manual"),
            trigger_id=how.get("trigger_id"),
            now=now,
            inputs=how.get("inputs") or {},
            ignore=frozenset(how.get("ignore", ())),
            key=how.get("key"),
            rank=how.get("rank", 2),
            launch=self.id_of(how["launch"]) if "launch" in how else None,
            held_back=lambda _: tuple(how["held_back"]) if "held_back" in how else None,
        )
        comings = [Coming(self.id_of(one.get("account", ACCOUNT)), one.get("event")) for one in comers]
        return await enter(self.session, playbook, entry, comings)

    async def admit(self, now: datetime) -> list[Started]:
        """Let in who waits."""
        return await admit(self.session, self.case.slug, now)

    async def publish(self, enroll: Tree) -> None:
        """Publish another version."""
        await publish(self.session, self.case.plan(enroll))

    async def end(self, given: Tree, now: datetime) -> None:
        """Let the play of an account end."""
        await play_ended(self.session, await self._run_of(given, State.ACTIVE), given.get("outcome", "completed"), now)

    async def take_up(self, given: Tree, now: datetime) -> None:
        """Take the last play of an account up again, to undo it."""
        await play_taken_up(self.session, await self._run_of(given, State.LEFT), now)

    async def withdraw(self, given: Tree, now: datetime) -> None:
        """Take back an enrollment that waits."""
        for row in await self.rows(given.get("account", ACCOUNT)):
            if row.state in (State.QUEUED, State.SUPPRESSED, State.HELD_OUT):
                leave(row, "withdrawn", now)
        await self.session.flush()

    async def change(self, given: Tree, now: datetime) -> None:
        """Change columns of an account."""
        values = {name: value for name, value in given.items() if name != "account"}
        await self.session.execute(update(Account).where(col(Account.id) == self.id_of(given.get("account", ACCOUNT))).values(**values))
        self.session.expire_all()

    async def change_launch(self, given: Tree, now: datetime) -> None:
        """Change a launch."""
        values = {name: value for name, value in given.items() if name != "launch"}
        await self.session.execute(update(Launch).where(col(Launch.id) == self.id_of(given["launch"])).values(**values))

    async def _run_of(self, given: Tree, state: State) -> str:
        rows = [row for row in await self.rows(given.get("account", ACCOUNT)) if row.state == state and row.run]
        if "key" in given:
            rows = [row for row in rows if row.key == given["key"]]
        assert rows, f"no play of {given} is {state}"
        return str(rows[-1].run)

    async def rows(self, name: str) -> list[Enrollment]:
        """Give the enrollments of an account, in the order in which they were made."""
        mine = (col(Enrollment.playbook) == self.case.slug, col(Enrollment.account) == self.id_of(name))
        query = select(Enrollment).where(*mine).order_by(col(Enrollment.episode))
        return list((await self.session.execute(query, execution_options={"populate_existing": True})).scalars())
