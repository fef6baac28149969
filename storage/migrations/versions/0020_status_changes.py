"""accounts: when somebody last changed the status

Revision: 0020
"""

from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('ALTER TABLE account ADD COLUMN status_at timestamptz')
    # `updated_at` moves with every fact that a sync brings. Whether an observed loss is newer than what was said of the status needs this.
    op.execute("""
        CREATE FUNCTION playkeeper_status_at() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            NEW.status_at := now();
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER account_status_at BEFORE UPDATE OF status ON account
        FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION playkeeper_status_at()
    """)


def downgrade() -> None:
    op.execute('DROP TRIGGER account_status_at ON account')
    op.execute('DROP FUNCTION playkeeper_status_at()')
    op.drop_column('account', 'status_at')
