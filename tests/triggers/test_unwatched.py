"""A module of its own: in its database nobody watches anything but what the test says."""

from __future__ import annotations

import pytest

from storage.session import Database
from tests.triggers.support import archive, contact, playbook, publish, put, rows

pytestmark = pytest.mark.servers


async def test_only_what_somebody_watches_is_noted(database: Database) -> None:
    await put(database, "N-1", stage="a", health={"score": 2})
    await contact(database, "N-1", "N-1-ada", "ada@example.com")
    before = await rows(database, "fact_change")
    await publish(database, playbook("watches", "  when: [{change: account.stage}]\n"))
    await put(database, "N-1", stage="b", health={"score": 3})
    await contact(database, "N-1", "N-1-ada", "ada@example.org")
    during = await rows(database, "fact_change")
    await archive(database, "watches")
    await put(database, "N-1", stage="c")

    assert (before, during, await rows(database, "fact_change")) == (0, 1, 1)
