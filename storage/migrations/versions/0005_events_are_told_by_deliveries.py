"""events are told by deliveries, which are gone when they have arrived

Revision: 0005
"""

from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column('event', 'delivered_at')


def downgrade() -> None:
    raise NotImplementedError("0004 dropped a column that nothing used")
