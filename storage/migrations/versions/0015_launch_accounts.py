"""the accounts that a launch still has to look at

Revision: 0015
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.parts import drop_tables, integer, of_tenants, text

revision = '0015'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('launch_account', text('tenant'), text('launch'), integer('row'), text('account'),
                    sa.PrimaryKeyConstraint('tenant', 'launch', 'row'))
    of_tenants('launch_account')


def downgrade() -> None:
    drop_tables('launch_account')
