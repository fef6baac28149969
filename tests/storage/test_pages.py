from __future__ import annotations

import pytest

from storage.pages import BadCursor, Page
from storage.repositories.accounts import list_accounts, save_accounts
from storage.repositories.tasks import add_tasks, list_tasks
from storage.session import Database
from storage.tables import Account, Task

pytestmark = pytest.mark.servers


async def test_pages_give_every_row_once_while_rows_come_and_go(database: Database) -> None:
    async with database.begin("acme") as session:
        await save_accounts(session, [{"id": f"P-{number}", "name": f"page {number % 3}", "tier": "pages"} for number in range(10)])
    seen: list[str] = []
    cursor: str | None = None
    while True:
        async with database.begin("acme") as session:
            page: Page[Account] = await list_accounts(session, tier="pages", after=cursor, limit=3)
            # A row before the place reached must not push anything onto the next page.
            await save_accounts(session, [{"id": f"P-new-{len(seen)}", "name": "aaa", "tier": "pages"}])
        seen += [account.id for account in page.items]
        cursor = page.next
        if cursor is None:
            break

    assert seen == [f"P-{number}" for remainder in range(3) for number in range(10) if number % 3 == remainder]


async def test_rows_without_a_due_date_come_last_and_are_paged_too(database: Database) -> None:
    async with database.begin("acme") as session:
        await add_tasks(session, [Task(id=f"u{number}", kind="task", account="undated", title="t") for number in range(3)])
        first = await list_tasks(session, account="undated", limit=2)
        second = await list_tasks(session, account="undated", limit=2, after=first.next)

    assert [[task.id for task in page.items] for page in (first, second)] == [["u0", "u1"], ["u2"]]
    assert second.next is None


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "W10", "WzEsMl0", "bnVsbA", "WyJhIl0", "é", "WyJcdTAwMDAiLCJhIl0"])
async def test_a_cursor_that_no_page_gave_is_refused(database: Database, cursor: str) -> None:
    async with database.begin("acme") as session:
        with pytest.raises(BadCursor):
            await list_accounts(session, after=cursor)
