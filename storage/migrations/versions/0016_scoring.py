"""scoring: observations, features, scores, models, scorecards, overrides, drift, looks at impact

Revision: 0016
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.parts import drop_tables, integer, json, moment, of_tenants, text

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

TABLES = (
    *('observation', 'account_feature_snapshot', 'score_now', 'score_history', 'scoring_model', 'scorecard', 'score_override'),
    *('drift_report', 'impact_look'),
)


def number(name: str, *, nullable: bool = False) -> "sa.Column[float]":
    """Give a column for a number."""
    return sa.Column(name, sa.Float(), nullable=nullable)


def upgrade() -> None:
    op.create_table('observation',
    text('tenant'), text('account'), sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=False), text('id'), text('kind'), text('subject'),
    json('values', '{}'), moment('ingested_at'),
    sa.PrimaryKeyConstraint('tenant', 'account', 'occurred_at', 'id'),
    postgresql_partition_by='RANGE (occurred_at)'
    )
    op.create_index('observation_by_arrival', 'observation', ['tenant', 'account', 'ingested_at'])
    op.create_table('account_feature_snapshot',
    text('tenant'), text('account'), sa.Column('as_of', sa.DateTime(timezone=True), nullable=False), text('feature_set'), json('values', '{}'),
    moment('max_event_at', nullable=True), moment('max_ingested_at', nullable=True), json('source_status', '{}'), moment('created_at'),
    sa.PrimaryKeyConstraint('tenant', 'account', 'as_of', 'feature_set'),
    postgresql_partition_by='RANGE (as_of)'
    )
    op.create_table('score_now',
    text('tenant'), text('kind'), text('account'), number('score', nullable=True), number('probability', nullable=True),
    *(text(name) for name in ('level', 'source', 'model_version', 'feature_set')), number('coverage'), json('prediction', '{}'),
    moment('as_of'), moment('scored_at'),
    sa.PrimaryKeyConstraint('tenant', 'kind', 'account')
    )
    op.create_index('score_by_value', 'score_now', ['tenant', 'kind', 'score', 'account'])
    op.create_table('score_history',
    text('tenant'), text('kind'), text('account'), sa.Column('as_of', sa.DateTime(timezone=True), nullable=False),
    number('score', nullable=True), number('probability', nullable=True), *(text(name) for name in ('level', 'source', 'model_version')), number('coverage'),
    sa.PrimaryKeyConstraint('tenant', 'kind', 'account', 'as_of'),
    postgresql_partition_by='RANGE (as_of)'
    )
    op.create_index('score_history_by_time', 'score_history', ['tenant', 'kind', 'as_of'])
    op.create_table('scoring_model',
    text('tenant'), text('target'), integer('version'), *(text(name) for name in ('training', 'status', 'algorithm', 'feature_set')),
    sa.Column('file', sa.LargeBinary(), nullable=False), text('sha256'), json('libraries', '{}'), text('code_version'), text('data_sha256'),
    json('metrics', '{}'), json('gates', '[]'), sa.Column('cleared', sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False), text('card'), text('by', nullable=True), integer('before', nullable=True),
    moment('trained_at'), moment('promoted_at', nullable=True), moment('retired_at', nullable=True),
    sa.CheckConstraint("status IN ('champion', 'shadow', 'retired', 'rejected')", name='scoring_model_status'),
    sa.PrimaryKeyConstraint('tenant', 'target', 'version')
    )
    op.create_index('scoring_model_one_champion', 'scoring_model', ['tenant', 'target'], unique=True, postgresql_where=sa.text("status = 'champion'"))
    op.create_index('scoring_model_of_training', 'scoring_model', ['tenant', 'target', 'training'], unique=True)
    op.create_table('scorecard',
    text('tenant'), text('name'), integer('version'), text('status'), text('source'), json('card', '{}'), text('digest'), text('created_by', nullable=True),
    moment('created_at'), moment('published_at', nullable=True),
    sa.PrimaryKeyConstraint('tenant', 'name', 'version')
    )
    op.create_index('scorecard_one_published', 'scorecard', ['tenant', 'name'], unique=True, postgresql_where=sa.text("status = 'published'"))
    op.create_table('score_override',
    text('tenant'), text('id'), text('kind'), text('account'), number('score'), text('reason'), text('by'), moment('created_at'), moment('until'),
    moment('ended_at', nullable=True), text('ended_by', nullable=True),
    sa.PrimaryKeyConstraint('tenant', 'id')
    )
    op.create_index('score_override_one_open', 'score_override', ['tenant', 'kind', 'account'], unique=True, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('drift_report',
    text('tenant'), text('target'), sa.Column('month', sa.Date(), nullable=False), integer('model_version'), integer('alarms'), json('report', '{}'),
    moment('created_at'),
    sa.PrimaryKeyConstraint('tenant', 'target', 'month')
    )
    op.create_table('impact_look',
    text('tenant'), text('playbook'), text('measure'), integer('look'), integer('looks'), json('result', '{}'), text('taken_by', nullable=True),
    moment('taken_at'),
    sa.PrimaryKeyConstraint('tenant', 'playbook', 'measure', 'look')
    )
    of_tenants(*TABLES)
    # The application owns nothing, so the owner lends it this one right. Its role has no right to the partitions themselves, only to their
    # parents, whose policies hold.
    op.execute("""
        CREATE FUNCTION playkeeper_month_partition(parent text, day date) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            first date := date_trunc('month', day)::date;
            part text := parent || '_' || to_char(first, 'YYYY_MM');
        BEGIN
            IF parent NOT IN ('observation', 'account_feature_snapshot', 'score_history') THEN
                RAISE EXCEPTION 'no table of months: %', parent;
            END IF;
            IF first NOT BETWEEN date '2000-01-01' AND date '2100-01-01' THEN
                RAISE EXCEPTION 'no month for rows: %', first;
            END IF;
            IF to_regclass('public.' || part) IS NOT NULL THEN
                RETURN;
            END IF;
            PERFORM pg_advisory_xact_lock(hashtext('playkeeper_month_partition'));
            EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                           part, parent, first::timestamp AT TIME ZONE 'UTC', (first + interval '1 month')::timestamp AT TIME ZONE 'UTC');
        END $$
    """)
    # A lost account is what models learn from, whoever says so: a person, a sync, an import. When one that is made new was lost, nobody knows.
    op.execute("""
        CREATE FUNCTION playkeeper_note_status() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM playkeeper_month_partition('observation', (now() AT TIME ZONE 'UTC')::date);
            INSERT INTO observation (tenant, account, occurred_at, id, kind, subject, values, ingested_at)
            VALUES (NEW.tenant, NEW.id, now(), 'status:' || NEW.status, 'contract', 'account',
                    jsonb_build_object('status', CASE NEW.status WHEN 'churned' THEN 'churned' ELSE 'active' END), now())
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER account_status_noted AFTER UPDATE OF status ON account
        FOR EACH ROW WHEN ((OLD.status = 'churned') <> (NEW.status = 'churned')) EXECUTE FUNCTION playkeeper_note_status()
    """)
    op.execute('REVOKE ALL ON FUNCTION playkeeper_month_partition(text, date) FROM PUBLIC')
    op.execute('GRANT EXECUTE ON FUNCTION playkeeper_month_partition(text, date) TO playkeeper_app')


def downgrade() -> None:
    op.execute('DROP TRIGGER account_status_noted ON account')
    op.execute('DROP FUNCTION playkeeper_note_status()')
    op.execute('DROP FUNCTION playkeeper_month_partition(text, date)')
    drop_tables(*TABLES)
