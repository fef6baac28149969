"""The chain with a model as it is trained: out of its file, with its reasons, and with a file that somebody changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from activities.connections import Connections
from activities.scoring.serving import Serving
from bench.serving import synthetic
from scoring.models.files import Manifest, save, sha256_of
from scoring.models.table import learn
from storage.repositories.accounts import set_facts
from storage.session import Database
from tests.activities.acting import make_account
from tests.database import TENANT
from tests.scoring.serving_world import no_champion, put_champion, put_features

pytestmark = pytest.mark.servers


async def test_a_trained_model_says_why_and_a_changed_file_is_refused(database: Database) -> None:
    file = save(replace(learn(synthetic(1_000)), target="churn"), Manifest(version=9))
    account = await make_account(database)
    await put_features(database, account, logins_trend=-2.5, seat_share=-2.0, plan="pro")
    async with database.begin(TENANT) as session:
        await set_facts(session, account, "health", {"score": 80})
    await put_champion(database, file, sha256=sha256_of(file))
    serving = Serving(database, Connections(database))
    await serving.warm(TENANT)
    answer = await serving.score(TENANT, account, "churn")
    async with database.begin(TENANT) as session:
        # Somebody who can write the table, but does not know that the digest is checked before a byte is read.
        await session.execute(text("UPDATE scoring_model SET file = file || 'x', sha256 = reverse(sha256)"))
    refused = await serving.score(TENANT, account, "churn", anew=True)
    serving.close()
    await no_champion(database)

    assert answer.prediction is not None
    assert refused.prediction is not None
    assert (answer.prediction.source, answer.prediction.model_version, answer.failed) == ("champion", "churn-1", ())
    assert answer.prediction.factors[0].feature == "logins_trend"
    assert answer.prediction.score > 50
    assert refused.prediction.source == "scorecard"
    assert refused.failed[0].why.startswith("the file of churn-1 is refused: The model's file is not the one that was registered")
