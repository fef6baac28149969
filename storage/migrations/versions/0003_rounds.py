"""rounds of questions; mails of the outbox are files

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('task', sa.Column('round', sa.Integer(), nullable=False, server_default='0'))
    op.alter_column('task', 'round', server_default=None)
    op.drop_table('outbox_mail')


def downgrade() -> None:
    raise NotImplementedError("0003 dropped a table that nothing used")
