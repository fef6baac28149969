"""deliveries

Revision: 0002
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('delivery',
    sa.Column('due_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('news', sa.LargeBinary(), nullable=True),
    sa.Column('tenant', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('workflow_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('tenant', 'id')
    )
    op.create_index('delivery_by_age', 'delivery', ['tenant', 'due_at', 'id'], unique=False)
    op.execute('ALTER TABLE "delivery" ENABLE ROW LEVEL SECURITY')
    op.execute('ALTER TABLE "delivery" FORCE ROW LEVEL SECURITY')
    mine = "tenant = current_setting('app.tenant', true)"
    op.execute(f'CREATE POLICY tenant_only ON "delivery" USING ({mine}) WITH CHECK ({mine})')
    op.execute('GRANT SELECT, INSERT, UPDATE, DELETE ON "delivery" TO playkeeper_app')


def downgrade() -> None:
    op.drop_index('delivery_by_age', table_name='delivery')
    op.drop_table('delivery')
