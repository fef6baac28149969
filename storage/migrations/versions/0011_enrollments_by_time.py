"""enrollments can be listed by time, however many there are

Revision: 0011
"""

from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('enrollment_by_time', 'enrollment', ['tenant', 'created_at', 'id'])


def downgrade() -> None:
    op.drop_index('enrollment_by_time', 'enrollment')
