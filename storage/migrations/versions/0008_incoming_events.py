"""events are sealed and matched later, contacts found by phone

Revision: 0008
"""

import sqlalchemy as sa
from alembic import context, op
from alembic.util import CommandError

from storage.encryption import KeyRing, Place
from storage.session import plain

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

OLD_EVENTS = sa.table('event', *(sa.column(name, sa.Text()) for name in ('tenant', 'id')), sa.column('fields', sa.JSON()))
EVENTS = sa.table('event', *(sa.column(name, sa.Text()) for name in ('tenant', 'id')), sa.column('fields', sa.LargeBinary()))
CONTACTS = sa.table(
    'contact', *(sa.column(name, sa.Text()) for name in ('tenant', 'id', 'phone_digest')), sa.column('phone', sa.LargeBinary())
)


def upgrade() -> None:
    connection = op.get_bind()
    for table in ('contact', 'event'):
        # Else an owner that is no superuser would see no rows, and what they hold would be lost.
        op.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
    op.execute('ALTER TABLE contact ADD phone_digest varchar')
    events = connection.execute(sa.select(OLD_EVENTS)).all()
    contacts = connection.execute(sa.select(CONTACTS).where(CONTACTS.c.phone.is_not(None))).all()
    keys = context.config.attributes.get('keys')
    if keys is None and (events or contacts):
        raise CommandError('what events say is kept in plain text and is to be sealed now; set PLAYKEEPER_ENCRYPTION_KEYS here too')
    op.execute('ALTER TABLE event ALTER fields DROP DEFAULT, ALTER fields DROP NOT NULL')
    # The column is emptied by rewriting the table, and filled after that: no old version of a row with an address in it stays behind.
    op.execute(
        'ALTER TABLE event ALTER fields TYPE bytea USING NULL::bytea, ADD address bytea, ADD address_digest varchar, '
        "ADD clues text[] DEFAULT '{}'::text[] NOT NULL, ADD due_at timestamptz"
    )
    seal_again(connection, keys, events, contacts)
    op.create_index('contact_by_phone', 'contact', ['tenant', 'phone_digest'], unique=False)
    op.create_index('event_by_name', 'event', ['tenant', 'name'], unique=False)
    op.create_index('event_by_clue', 'event', ['clues'], unique=False, postgresql_using='gin')
    for name, table, column in (
        ('event_by_address', 'event', 'address_digest'),
        ('event_due', 'event', 'due_at'),
        ('effect_by_vendor_id', 'effect', 'vendor_id'),
    ):
        op.create_index(name, table, ['tenant', column], unique=False, postgresql_where=sa.text(f'{column} IS NOT NULL'))
    for table in ('contact', 'event'):
        op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')


def seal_again(connection: sa.Connection, keys: KeyRing, events: list[sa.Row], contacts: list[sa.Row]) -> None:
    for event in events:
        sealed = keys.seal_json(Place(event.tenant, 'event', 'fields', event.id), event.fields)
        connection.execute(sa.update(EVENTS).where(EVENTS.c.tenant == event.tenant, EVENTS.c.id == event.id).values(fields=sealed))
    for contact in contacts:
        phone = str(keys.open_json(Place(contact.tenant, 'contact', 'phone', contact.id), contact.phone))
        digest = keys.digest(Place(contact.tenant, 'contact', 'phone', ''), plain(phone))
        mine = sa.and_(CONTACTS.c.tenant == contact.tenant, CONTACTS.c.id == contact.id)
        connection.execute(sa.update(CONTACTS).where(mine).values(phone_digest=digest))


def downgrade() -> None:
    raise NotImplementedError("0007 kept events in plain text")
