"""impact: what an account was like when its arm was drawn, and what it paid when

Revision: 0018
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.parts import drop_tables, of_tenants, text

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column('mrr', sa.Numeric(18, 4), nullable=True), text('currency', nullable=True), text('status', nullable=True),
        *(sa.Column(name, sa.Float(), nullable=True) for name in ('health', 'risk', 'logins')),
    ):
        op.add_column('arm', column)
    op.create_table('revenue_change',
    text('tenant'), text('account'), sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('before', sa.Numeric(18, 4), nullable=True), sa.Column('after', sa.Numeric(18, 4), nullable=True), text('currency', nullable=True),
    sa.PrimaryKeyConstraint('tenant', 'account', 'at')
    )
    of_tenants('revenue_change')
    # Whoever changes what an account pays (a person, a sync, an import), nobody else would know afterwards what it paid at the end of an
    # experiment. Of several changes in one transaction the first knows what was before, and the last what is after.
    op.execute("""
        CREATE FUNCTION playkeeper_note_revenue() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO revenue_change (tenant, account, at, before, after, currency)
            VALUES (NEW.tenant, NEW.id, now(), OLD.mrr, NEW.mrr, NEW.currency)
            ON CONFLICT (tenant, account, at) DO UPDATE SET after = EXCLUDED.after, currency = EXCLUDED.currency;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER account_revenue_noted AFTER UPDATE OF mrr ON account
        FOR EACH ROW WHEN (OLD.mrr IS DISTINCT FROM NEW.mrr) EXECUTE FUNCTION playkeeper_note_revenue()
    """)


def downgrade() -> None:
    op.execute('DROP TRIGGER account_revenue_noted ON account')
    op.execute('DROP FUNCTION playkeeper_note_revenue()')
    drop_tables('revenue_change')
    for name in ('logins', 'risk', 'health', 'status', 'currency', 'mrr'):
        op.drop_column('arm', name)
