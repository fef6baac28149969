"""The play that an enrollment begins: its row, and everything its start needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from playbook_dsl.values import Json
from storage.enrollment.published import Published
from storage.enrollment_tables import Enrollment
from storage.facts import AccountRows
from storage.ids import new_id
from storage.loaded import loaded_from
from storage.session import Session
from storage.tables import Run


def play_workflow_id(tenant: str, playbook: str, account: str, episode: str) -> str:
    """Give the id of one enrollment: the same enrollment twice is the same play."""
    return f"play:{tenant}:{playbook}:{account}:{episode}"


@dataclass(frozen=True)
class Started:
    """A play that is written down and now to be begun. `start` and `loaded` are what its input is made of."""

    run: Run
    playbook: Published
    start: Json
    loaded: Mapping[str, Json]


def begin_play(
    session: Session, playbook: Published, row: Enrollment, rows: AccountRows, start: Json, *, at: datetime, episode: str | None = None
) -> Started:
    """Make the row of the play of an enrollment that is active now; the caller adds it to the session.

    `episode` is the last part of the workflow id where it is not the number of the enrollment.
    """
    run_id = new_id()
    run = Run(
        tenant=session.tenant,
        id=run_id,
        chain=run_id,
        workflow_id=play_workflow_id(session.tenant, row.playbook, row.account, episode or f"e{row.episode}"),
        account=row.account,
        playbook=row.playbook,
        version=row.version,
        launch=row.launch,
        trigger=row.trigger,
        started_by=row.by,
        owner=rows.account.csm,
        title=playbook.plan.title,
        started_at=at,
    )
    run.start = session.seal("run", "start", run.id, start)
    row.run, row.owner, row.begun_at, row.start = run.id, rows.account.csm, at, None
    return Started(run, playbook, start, loaded_from(rows))
