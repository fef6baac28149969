"""enrollment: who is in which playbook, who was refused, who is left alone; launches say how far they are

Plays that are there already become enrollments.

Revision: 0010
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.parts import drop_tables, integer, json, moment, of_tenants, sealed, text, truth

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

TABLES = ('enrollment', 'refusal', 'arm', 'exemption', 'baseline')
OPEN = "state IN ('suppressed', 'held_out', 'queued', 'active')"


def upgrade() -> None:
    op.create_table('enrollment',
    *(text(name) for name in ('tenant', 'id', 'playbook', 'account', 'key', 'state', 'reason', 'detail', 'trigger', 'stratum')),
    *(text(name, nullable=True) for name in ('trigger_id', 'launch', 'run', 'owner', 'by')),
    *(integer(name) for name in ('episode', 'version', 'wave', 'rank')),
    truth('beside'), sealed('start'), moment('created_at'), moment('changed_at'),
    *(moment(name, nullable=True) for name in ('until', 'begun_at', 'left_at')),
    sa.PrimaryKeyConstraint('tenant', 'id'),
    sa.CheckConstraint("state IN ('suppressed', 'held_out', 'queued', 'active', 'left')", name='enrollment_state')
    )
    indexes = {
        'by_account': (['account', 'playbook', 'created_at'], None),
        'by_playbook': (['playbook', 'state', 'changed_at', 'id'], None),
        'by_launch': (['launch', 'state'], 'launch IS NOT NULL'),
        'by_run': (['run'], 'run IS NOT NULL'),
        'waiting': (['playbook', 'rank', 'created_at'], "state IN ('queued', 'suppressed')"),
        'begun': (['playbook', 'begun_at'], 'begun_at IS NOT NULL'),
    }
    for name, (columns, where) in indexes.items():
        op.create_index(f'enrollment_{name}', 'enrollment', ['tenant', *columns], postgresql_where=sa.text(where) if where else None)
    op.create_table('refusal',
    *(text(name) for name in ('tenant', 'playbook', 'account', 'reason', 'detail', 'trigger')),
    *(text(name, nullable=True) for name in ('trigger_id', 'launch')),
    integer('version'), moment('until', nullable=True), moment('at'),
    sa.PrimaryKeyConstraint('tenant', 'playbook', 'account')
    )
    op.create_table('arm',
    *(text(name) for name in ('tenant', 'playbook', 'account', 'arm', 'stratum')), sa.Column('share', sa.Float(), nullable=False),
    moment('drawn_at'), moment('contaminated_at', nullable=True),
    sa.PrimaryKeyConstraint('tenant', 'playbook', 'account')
    )
    op.create_table('exemption',
    *(text(name) for name in ('tenant', 'id', 'playbook', 'of', 'kind', 'value', 'because', 'by')),
    moment('until', nullable=True), moment('created_at'),
    sa.PrimaryKeyConstraint('tenant', 'id')
    )
    op.create_index('exemption_of', 'exemption', ['tenant', 'kind', 'value'])
    op.create_table('baseline', text('tenant'), text('playbook'), text('account'), sa.PrimaryKeyConstraint('tenant', 'playbook', 'account'))
    of_tenants(*TABLES)
    _launches()
    _plays_become_enrollments()
    op.create_index('enrollment_one_open', 'enrollment', ['tenant', 'playbook', 'account', 'key'], unique=True,
                    postgresql_where=sa.text(f'{OPEN} AND NOT beside'))


def _launches() -> None:
    for column in (
        text('trigger_id', nullable=True), text('status', default='done'), text('why', default=''), integer('expected', nullable=True),
        json('counts', '{}'), integer('open_wave', default=0), moment('wave_at', nullable=True), text('task', nullable=True),
        moment('ended_at', nullable=True),
    ):
        op.add_column('launch', column)
    for name in ('status', 'why', 'open_wave'):
        op.alter_column('launch', name, server_default=None)


def _plays_become_enrollments() -> None:
    # The owner of the tables is bound by their policies too, and sees every tenant only without them.
    for table in ('run', 'enrollment'):
        op.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
    op.execute("""
        INSERT INTO enrollment (tenant, id, playbook, account, key, state, reason, detail, trigger, stratum, launch, run, owner, by,
            episode, version, wave, rank, beside, created_at, changed_at, begun_at, left_at)
        SELECT tenant, id, playbook, account, '', CASE WHEN state = 'closed' THEN 'left' ELSE 'active' END,
            CASE WHEN state = 'closed' THEN coalesce(outcome, 'completed') ELSE 'entered' END, '', trigger, '', launch, id, owner, started_by,
            row_number() OVER (PARTITION BY tenant, playbook, account ORDER BY started_at, id), version, 0, 0, true,
            started_at, coalesce(ended_at, started_at), started_at, ended_at
        FROM run
    """)
    for table in ('run', 'enrollment'):
        op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')


def downgrade() -> None:
    for name in ('trigger_id', 'status', 'why', 'expected', 'counts', 'open_wave', 'wave_at', 'task', 'ended_at'):
        op.drop_column('launch', name)
    drop_tables(*TABLES)
