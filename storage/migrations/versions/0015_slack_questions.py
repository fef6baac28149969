"""questions of inbox items as direct messages in Slack

Revision: 0015
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.parts import drop_tables, integer, moment, of_tenants, text

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('slack_question',
    *(text(name) for name in ('tenant', 'task', 'state')), *(text(name, nullable=True) for name in ('channel', 'ts')),
    integer('attempts'), moment('due_at', nullable=True), moment('created_at'),
    sa.PrimaryKeyConstraint('tenant', 'task')
    )
    op.create_index('slack_question_by_age', 'slack_question', ['tenant', 'due_at'], unique=False,
                    postgresql_where=sa.text('due_at IS NOT NULL'))
    of_tenants('slack_question')


def downgrade() -> None:
    drop_tables('slack_question')
