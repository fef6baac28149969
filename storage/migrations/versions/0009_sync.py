"""syncs with vendors: how far they are, what they read, what failed, and their reports

Revision: 0009
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

TABLES = ('sync_setting', 'sync_cursor', 'sync_record', 'sync_failure', 'sync_report')


def text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sqlmodel.sql.sqltypes.AutoString(), nullable=nullable)


def moment(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=None if nullable else sa.text('now()'), nullable=nullable)


def json(name: str, empty: str) -> sa.Column:
    return sa.Column(name, sa.dialects.postgresql.JSONB(), server_default=sa.text(f"'{empty}'::jsonb"), nullable=False)


def upgrade() -> None:
    op.create_table('sync_setting',
    moment('saved_at'), text('tenant'), text('vendor'), text('mapping', nullable=True), sa.Column('every_min', sa.Integer(), nullable=True),
    text('saved_by', nullable=True),
    sa.PrimaryKeyConstraint('tenant', 'vendor')
    )
    op.create_table('sync_cursor',
    moment('read_at'), text('tenant'), text('vendor'), text('kind'), text('cursor', nullable=True),
    sa.PrimaryKeyConstraint('tenant', 'vendor', 'kind')
    )
    op.create_table('sync_record',
    moment('changed_at', nullable=True), moment('turns_at', nullable=True), sa.Column('values', sa.LargeBinary(), nullable=True),
    text('tenant'), text('vendor'), text('kind'), text('external_id'), text('account'), text('contact', nullable=True),
    sa.Column('deleted', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('tenant', 'vendor', 'kind', 'external_id')
    )
    op.create_index('sync_record_by_account', 'sync_record', ['tenant', 'account', 'vendor', 'kind'], unique=False)
    op.create_index('sync_record_turning', 'sync_record', ['tenant', 'vendor', 'kind', 'turns_at'], unique=False,
                    postgresql_where=sa.text('turns_at IS NOT NULL'))
    op.create_table('sync_failure',
    sa.Column('raw', sa.LargeBinary(), nullable=True), moment('first_at'), moment('tried_at'),
    text('tenant'), text('vendor'), text('kind'), text('external_id'), text('id'), text('reason'), text('why'),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('tenant', 'vendor', 'kind', 'external_id')
    )
    op.create_index('sync_failure_by_id', 'sync_failure', ['tenant', 'id'], unique=True)
    op.create_table('sync_report',
    moment('started_at'), moment('ended_at', nullable=True), json('counts', '{}'), json('skipped', '[]'), json('cursors', '{}'),
    text('tenant'), text('id'), text('vendor'), text('status'), text('started_by', nullable=True), text('error', nullable=True),
    sa.PrimaryKeyConstraint('tenant', 'id')
    )
    op.create_index('sync_report_by_start', 'sync_report', ['tenant', 'vendor', 'started_at', 'id'], unique=False)
    mine = "tenant = current_setting('app.tenant', true)"
    for table in TABLES:
        op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
        op.execute(f'CREATE POLICY tenant_only ON "{table}" USING ({mine}) WITH CHECK ({mine})')
        op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO playkeeper_app')


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
