"""launches: their accounts are written down first; commands to many plays at once are carried on by whoever lives

Revision: 0013
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.parts import drop_tables, integer, json, moment, of_tenants, sealed, text, truth

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

TABLES = ('launch_account', 'bulk_job', 'bulk_run')


def upgrade() -> None:
    op.create_table('launch_account',
    *(text(name) for name in ('tenant', 'launch', 'account')), integer('row'), sealed('inputs'),
    *(text(name) for name in ('state', 'reason', 'detail')),
    sa.PrimaryKeyConstraint('tenant', 'launch', 'account')
    )
    op.create_index('launch_account_by_row', 'launch_account', ['tenant', 'launch', 'row'])
    for column in (integer('rows', default=0), integer('cursor', default=0), sealed('start'), text('was', default='')):
        op.add_column('launch', column)
    for name in ('rows', 'cursor', 'was'):
        op.alter_column('launch', name, server_default=None)
    op.create_index('launch_open', 'launch', ['tenant', 'id'], postgresql_where=sa.text("status IN ('running', 'waiting')"))
    op.create_table('bulk_job',
    *(text(name) for name in ('tenant', 'id', 'do', 'status', 'by')), *(text(name, nullable=True) for name in ('launch', 'reason')),
    json('which', '{}'), truth('undo'), truth('force'), integer('total'), moment('created_at'), moment('ended_at', nullable=True),
    sa.PrimaryKeyConstraint('tenant', 'id'),
    sa.CheckConstraint("\"do\" IN ('pause', 'resume', 'cancel', 'undo')", name='bulk_job_do')
    )
    op.create_index('bulk_job_running', 'bulk_job', ['tenant', 'id'], postgresql_where=sa.text("status = 'running'"))
    op.create_index('bulk_job_by_launch', 'bulk_job', ['tenant', 'launch', 'created_at'], postgresql_where=sa.text('launch IS NOT NULL'))
    op.create_table('bulk_run',
    *(text(name) for name in ('tenant', 'job', 'run', 'account', 'status', 'code', 'detail')), integer('attempts'), moment('due_at'),
    sa.PrimaryKeyConstraint('tenant', 'job', 'run')
    )
    op.create_index('bulk_run_open', 'bulk_run', ['tenant', 'job', 'due_at', 'run'], postgresql_where=sa.text("status = 'open'"))
    of_tenants(*TABLES)


def downgrade() -> None:
    op.drop_index('launch_open', 'launch')
    for name in ('rows', 'cursor', 'start', 'was'):
        op.drop_column('launch', name)
    drop_tables(*TABLES)
