"""triggers: what is watched, changes of facts, and what may bring an account into a playbook

Changes are noted by the database, so that no writer can forget it: statement by statement, and only of facts that somebody watches.

Revision: 0012
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.parts import drop_tables, integer, moment, of_tenants, text

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

TABLES = ('trigger_watch', 'watched_path', 'fact_change', 'occurrence', 'standing')
WAITS = 'done_at IS NULL'
PLAIN = ('id', 'name', 'status', 'stage', 'tier', 'segment', 'country', 'zone', 'currency', 'tags')
CONTACT = ('id', 'name', 'title', 'zone', 'language')


def upgrade() -> None:
    _tables()
    of_tenants(*TABLES)
    op.add_column('launch', text('event', nullable=True))
    op.add_column('launch', text('filled_to', nullable=True))
    op.execute('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO playkeeper_app')
    op.execute(sa.text(NUMBER.replace(':', '\\:')))
    for event, function in (('INSERT', ACCOUNT_INSERTED), ('UPDATE', ACCOUNT_UPDATED)):
        _trigger('account', event, function)
    for event in ('INSERT', 'UPDATE', 'DELETE'):
        _trigger('contact', event, _contacts(event))


def _tables() -> None:
    op.create_table('trigger_watch',
    *(text(name) for name in ('tenant', 'playbook', 'trigger', 'kind', 'digest')), integer('settle_s'), moment('since'),
    moment('looked_at', nullable=True), sa.PrimaryKeyConstraint('tenant', 'playbook', 'trigger')
    )
    op.create_table('watched_path', *(text(name) for name in ('tenant', 'playbook', 'trigger', 'path')),
    sa.PrimaryKeyConstraint('tenant', 'playbook', 'trigger', 'path')
    )
    op.create_index('watched_path_by_path', 'watched_path', ['tenant', 'path'])
    op.create_table('fact_change', text('tenant'), _number(), text('account'), text('path'),
    *(sa.Column(name, sa.dialects.postgresql.JSONB(), nullable=True) for name in ('before', 'after')), moment('at'),
    sa.Column('seen', sa.Boolean(), server_default=sa.text('false'), nullable=False), sa.PrimaryKeyConstraint('tenant', 'id')
    )
    op.create_index('fact_change_unseen', 'fact_change', ['tenant', 'id'], postgresql_where=sa.text('NOT seen'))
    op.create_index('fact_change_of', 'fact_change', ['tenant', 'account', 'path', 'id'])
    op.create_index('fact_change_by_age', 'fact_change', ['tenant', 'at'])
    op.create_table('occurrence', text('tenant'), _number(),
    *(text(name) for name in ('playbook', 'trigger', 'kind', 'account', 'mark', 'outcome')),
    text('event', nullable=True), text('launch', nullable=True), integer('rank'), integer('tries'),
    sa.Column('settles', sa.Boolean(), nullable=False), moment('at'), moment('due_at'), moment('done_at', nullable=True),
    sa.PrimaryKeyConstraint('tenant', 'id')
    )
    of = ['tenant', 'playbook', 'trigger', 'account']
    op.create_index('occurrence_once', 'occurrence', [*of, 'mark'], unique=True)
    op.create_index('occurrence_settles', 'occurrence', of, unique=True, postgresql_where=sa.text(f'settles AND {WAITS}'))
    op.create_index('occurrence_due', 'occurrence', ['tenant', 'due_at'], postgresql_where=sa.text(WAITS))
    op.create_index('occurrence_next', 'occurrence', ['tenant', 'playbook', 'rank', 'due_at', 'id'], postgresql_where=sa.text(WAITS))
    op.create_index('occurrence_by_launch', 'occurrence', ['tenant', 'launch'],
                    postgresql_where=sa.text(f'launch IS NOT NULL AND {WAITS}'))
    op.create_table('standing', *(text(name) for name in ('tenant', 'playbook', 'trigger', 'account')), moment('since'),
    sa.PrimaryKeyConstraint('tenant', 'playbook', 'trigger', 'account')
    )


def _number() -> 'sa.Column[int]':
    return sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _value(row: str) -> str:
    """Give the value of the path `w.path` in a row of `account`, in the JSON form of values; NULL when it is missing."""
    plain = '\n'.join(f"WHEN 'account.{name}' THEN to_jsonb({row}.{name})" for name in PLAIN)
    return f"""
        CASE w.path
        {plain}
        WHEN 'account.csm.id' THEN to_jsonb({row}.csm)
        WHEN 'account.renewal_date' THEN CASE WHEN {row}.renewal_date IS NOT NULL
            THEN jsonb_build_object('$date', {row}.renewal_date::text) END
        WHEN 'account.mrr' THEN CASE WHEN {row}.mrr IS NOT NULL AND {row}.currency IS NOT NULL
            THEN jsonb_build_object('$money', jsonb_build_array(trim_scale({row}.mrr)::text, {row}.currency)) END
        ELSE CASE WHEN w.path LIKE 'account.custom.%' THEN nullif({row}.custom -> substr(w.path, 16), 'null')
            ELSE nullif({row}.facts #> string_to_array(w.path, '.'), 'null') END
        END
    """


NUMBER = """
    CREATE FUNCTION fact_number(value jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $body$ SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN value::numeric END $body$
"""
# Who re-scores a million accounts pays one look into an index for a statement as long as nobody watches.
WATCHED = """
    SELECT DISTINCT path FROM watched_path WHERE path NOT LIKE 'event:%' AND path NOT LIKE 'contact.%' AND path <> 'account.contacts'
"""
ACCOUNT_INSERTED = f"""
    IF EXISTS ({WATCHED}) THEN
        INSERT INTO fact_change (tenant, account, path, after)
        SELECT n.tenant, n.id, w.path, v.after
        FROM new_rows n CROSS JOIN ({WATCHED}) w CROSS JOIN LATERAL (SELECT {_value('n')} AS after) v
        WHERE v.after IS NOT NULL ORDER BY n.id, w.path;
    END IF;
"""
ACCOUNT_UPDATED = f"""
    IF EXISTS ({WATCHED}) THEN
        INSERT INTO fact_change (tenant, account, path, before, after)
        SELECT n.tenant, n.id, w.path, v.before, v.after
        FROM new_rows n JOIN old_rows o ON o.tenant = n.tenant AND o.id = n.id CROSS JOIN ({WATCHED}) w
        CROSS JOIN LATERAL (SELECT {_value('o')} AS before, {_value('n')} AS after) v
        WHERE v.before IS DISTINCT FROM v.after ORDER BY n.id, w.path;
    END IF;
"""


def _contacts(event: str) -> str:
    """Compare the main contact of every account that the statement touched, as it was before and as it is now."""
    new = 'SELECT NULL::text AS tenant, NULL::text AS id, NULL::text AS account WHERE false' if event == 'DELETE' else \
        'SELECT tenant, id, account FROM new_rows'
    columns = 'tenant, id, account, name, title, zone, language, roles, email_digest'
    old = f"SELECT {columns} FROM contact WHERE false" if event == 'INSERT' else f'SELECT {columns} FROM old_rows'
    order = "CASE WHEN roles @> '{champion}' THEN 0 WHEN roles @> '{primary_contact}' THEN 1 ELSE 2 END, id COLLATE \"C\" LIMIT 1"
    values = '\n'.join(f"WHEN 'contact.{name}' THEN to_jsonb(%s.{name})" for name in CONTACT)

    def value(row: str) -> str:
        return f"CASE w.path {values.replace('%s', row)} WHEN 'contact.role' THEN to_jsonb({row}.roles[1]) " \
            f"WHEN 'contact.email' THEN to_jsonb({row}.email_digest) END"

    return f"""
    IF current_setting('app.resealing', true) IS DISTINCT FROM 'on'
        AND EXISTS (SELECT 1 FROM watched_path WHERE path LIKE 'contact.%' OR path = 'account.contacts') THEN
        INSERT INTO fact_change (tenant, account, path, before, after)
        SELECT t.tenant, t.account, w.path,
            CASE WHEN w.path <> 'contact.email' THEN v.before END, CASE WHEN w.path <> 'contact.email' THEN v.after END
        FROM (SELECT tenant, account FROM ({new}) n UNION SELECT tenant, account FROM ({old}) o) t
        CROSS JOIN (SELECT DISTINCT path FROM watched_path WHERE path LIKE 'contact.%' OR path = 'account.contacts') w
        LEFT JOIN LATERAL (
            SELECT * FROM (
                SELECT {columns} FROM contact c WHERE c.tenant = t.tenant AND c.account = t.account
                    AND c.id NOT IN (SELECT id FROM ({new}) n)
                UNION ALL SELECT {columns} FROM ({old}) o WHERE o.account = t.account
            ) there ORDER BY {order}
        ) b ON true
        LEFT JOIN LATERAL (
            SELECT {columns} FROM contact c WHERE c.tenant = t.tenant AND c.account = t.account ORDER BY {order}
        ) a ON true
        CROSS JOIN LATERAL (SELECT {value('b')} AS before, {value('a')} AS after) v
        WHERE w.path = 'account.contacts' OR v.before IS DISTINCT FROM v.after ORDER BY t.account, w.path;
    END IF;
    """


def _trigger(table: str, event: str, body: str) -> None:
    name = f'note_{table}_{event.lower()}'
    rows = {'INSERT': 'NEW TABLE AS new_rows', 'DELETE': 'OLD TABLE AS old_rows'}.get(event, 'OLD TABLE AS old_rows NEW TABLE AS new_rows')
    op.execute(sa.text(f"""
        CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN {body} RETURN NULL; END $body$
    """.replace(':', '\\:')))
    op.execute(f'CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION {name}()')


def downgrade() -> None:
    for table, events in (('account', ('insert', 'update')), ('contact', ('insert', 'update', 'delete'))):
        for event in events:
            op.execute(f'DROP TRIGGER note_{table}_{event} ON {table}')
            op.execute(f'DROP FUNCTION note_{table}_{event}()')
    op.execute('DROP FUNCTION fact_number(jsonb)')
    for name in ('event', 'filled_to'):
        op.drop_column('launch', name)
    drop_tables(*TABLES)
