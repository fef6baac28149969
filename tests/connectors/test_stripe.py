from __future__ import annotations

import pytest

from storage.session import Database
from tests.activities.acting import undo_of
from tests.connectors.subjects.stripe import SUBJECT
from tests.connectors.test_standard import prepared, sandbox


@pytest.mark.servers
async def test_a_discount_on_a_subscription_that_is_over_is_gone_with_it(database: Database) -> None:
    with sandbox(SUBJECT) as (fake, url):
        async with prepared(SUBJECT, database, url) as (ledger, call):
            await ledger.perform(call)
            fake.objects["sub_1"]["status"] = "canceled"
            undone = await ledger.undo(undo_of(call))

        assert (undone.status, undone.detail) == ("nothing", "the Stripe customer cus_1 has no running subscription")
