"""touches: how often people at customers were written to, and the messages that wait because that was often enough

Messages that were sent before are not counted: who they went to is sealed.

Revision: 0014
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.parts import drop_tables, integer, moment, of_tenants, text, truth

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

TABLES = ('touch', 'touch_wait')


def upgrade() -> None:
    op.create_table('touch',
    *(text(name) for name in ('tenant', 'effect', 'recipient', 'account', 'channel', 'run', 'playbook')), moment('at'),
    sa.PrimaryKeyConstraint('tenant', 'effect', 'recipient')
    )
    op.create_index('touch_by_recipient', 'touch', ['tenant', 'recipient', 'channel', 'at'])
    op.create_index('touch_by_account', 'touch', ['tenant', 'account', 'channel', 'at'])
    op.create_table('touch_wait',
    *(text(name) for name in ('tenant', 'effect', 'recipient', 'account', 'channel', 'run', 'playbook', 'step_key', 'why')),
    truth('urgent'), integer('priority'), *(moment(name) for name in ('since', 'until', 'gone_at')),
    sa.PrimaryKeyConstraint('tenant', 'effect', 'recipient')
    )
    op.create_index('touch_wait_by_account', 'touch_wait', ['tenant', 'account', 'channel'])
    op.create_index('touch_wait_by_recipient', 'touch_wait', ['tenant', 'recipient', 'channel'])
    of_tenants(*TABLES)


def downgrade() -> None:
    drop_tables(*TABLES)
