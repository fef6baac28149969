"""an index for what is read of an account's whole life: tickets, invoices, contracts

Revision: 0017
"""

from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of usage and mail the last months are read; of all else everything, and an account has a thousand times more of the former.
    op.execute("""
        CREATE INDEX observation_of_states ON observation (tenant, account, occurred_at) WHERE kind NOT IN ('usage', 'email')
    """)


def downgrade() -> None:
    op.drop_index('observation_of_states', table_name='observation')
