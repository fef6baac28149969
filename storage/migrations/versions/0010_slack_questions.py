"""questions of inbox items as direct messages in Slack

Revision: 0010
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('slack_question',
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('task', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('state', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('channel', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('ts', sqlmodel.sql.sqltypes.AutoString(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('tenant', 'task')
    )
    op.create_index('slack_question_by_age', 'slack_question', ['tenant', 'due_at'], unique=False,
                    postgresql_where=sa.text('due_at IS NOT NULL'))
    mine = "tenant = current_setting('app.tenant', true)"
    op.execute('ALTER TABLE "slack_question" ENABLE ROW LEVEL SECURITY')
    op.execute('ALTER TABLE "slack_question" FORCE ROW LEVEL SECURITY')
    op.execute(f'CREATE POLICY tenant_only ON "slack_question" USING ({mine}) WITH CHECK ({mine})')
    op.execute('GRANT SELECT, INSERT, UPDATE, DELETE ON "slack_question" TO playkeeper_app')


def downgrade() -> None:
    op.drop_table('slack_question')
