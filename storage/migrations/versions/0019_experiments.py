"""experiments: what decides is laid down with the first draw, whatever is published later

Revision: 0019
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.parts import drop_tables, integer, moment, of_tenants, text

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('experiment',
    text('tenant'), text('playbook'), integer('version'), text('measure', nullable=True), sa.Column('window_s', sa.Float(), nullable=False),
    integer('looks'), integer('every_days'), text('by', nullable=True), moment('laid_at'),
    sa.PrimaryKeyConstraint('tenant', 'playbook')
    )
    of_tenants('experiment')


def downgrade() -> None:
    drop_tables('experiment')
