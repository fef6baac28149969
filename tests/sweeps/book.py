"""A book of business for sweeps, and a playbook that is swept over it."""

from __future__ import annotations

from sqlalchemy import text

from activities.catalog import load_catalog
from playbook_dsl.compiler import compile_playbook
from storage.enrollment.published import Published, find_published
from storage.repositories.playbooks import NewVersion, publish_version, save_draft
from storage.session import Database

TENANT = "acme"
PLAYBOOK = """
playbook: nudge
title: Nudge
enroll:
  when:
    - id: daily
      schedule: {cron: "0 7 * * 1-5", timezone: Europe/Berlin}
  audience: %s
%s
steps:
  - id: hello
    note.add: {text: "Hello {{ account.name }}"}
"""
FILL = """
    INSERT INTO account (tenant, id, name, status, tier, currency, mrr, facts)
    SELECT '%s', 'A-' || lpad(n::text, 7, '0'), 'Account ' || n, 'active', (ARRAY['growth', 'enterprise'])[1 + n %% 2], 'EUR', n %% 5000,
        jsonb_build_object('health', jsonb_build_object('score', n %% %s, 'band', 'green'),
            'usage', jsonb_build_object('active_users', n %% 40))
    FROM generate_series(1, %s) n
"""
"""By tenant, one of how many has each score, and how many accounts."""


async def fill(database: Database, accounts: int, *, scores: int = 100) -> None:
    """Make accounts: one of `scores` has each score from 0 on."""
    async with database.begin(TENANT) as session:
        connection = await session.connection()
        await connection.exec_driver_sql(FILL % (TENANT, scores, accounts))


async def publish(database: Database, more: str = "", *, audience: str = "health.score < 10", source: str = PLAYBOOK) -> Published:
    """Publish the playbook, with more lines of `enroll`."""
    async with database.begin(TENANT) as session:
        catalog = await load_catalog(session)
        written = source % (audience, more)
        compiled = compile_playbook(written, catalog, path="nudge.yaml")
        assert compiled.plan is not None, [str(one) for one in compiled.diagnostics]
        new = NewVersion(source=written, plan=compiled.plan, digest=compiled.plan.digest(), by="test")
        version = await save_draft(session, new)
        await publish_version(session, version)
    async with database.begin(TENANT) as session:
        published = await find_published(session, compiled.plan.playbook)
    assert published is not None
    return published


async def count(database: Database, query: str) -> int:
    """Give the number that a query gives."""
    async with database.begin(TENANT) as session:
        return int((await session.execute(text(query))).scalar_one())
