"""run starting

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('run_starting', 'run', ['tenant', 'started_at'], unique=False, postgresql_where=sa.text("state = 'starting'"))


def downgrade() -> None:
    op.drop_index('run_starting', table_name='run', postgresql_where=sa.text("state = 'starting'"))
