from __future__ import annotations

from datetime import UTC, datetime

import pytest

from enrollment.states import Reason, State
from playbook_dsl.enrollment import Enroll
from playbook_dsl.plan import Plan
from storage.enrollment.admission import list_waiting_playbooks
from storage.enrollment_tables import Enrollment
from storage.repositories.playbooks import NewVersion, publish_version, save_draft
from storage.session import Database
from tests.database import TENANT

pytestmark = pytest.mark.servers


async def test_playbooks_of_the_higher_priority_are_asked_first(database: Database) -> None:
    async with database.begin(TENANT) as session:
        for slug, own in (("a-low", -5), ("b-none", None), ("c-high", 40), ("d-zero", 0)):
            enroll = None if own is None else Enroll(priority=own)
            plan = Plan(playbook=slug, title=slug, enroll=enroll)
            await publish_version(session, await save_draft(session, NewVersion("text", plan, plan.digest(), "tests")))
            for account in ("A-1", "A-2"):
                row = Enrollment(
                    tenant=TENANT,
                    id=f"{slug}-{account}",
                    playbook=slug,
                    account=account,
                    state=State.QUEUED,
                    reason=Reason.ROOM,
                    version=1,
                )
                session.add(row)
        await session.flush()

        found = await list_waiting_playbooks(session, datetime.now(UTC))

    assert found == ["c-high", "b-none", "d-zero", "a-low"]
