"""contacts' addresses and kept answers are sealed

Revision: 0006
"""

import sqlalchemy as sa
from alembic import context, op
from alembic.util import CommandError

from storage.encryption import KeyRing, Place

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

TEXTS = sa.table('contact', *(sa.column(name, sa.Text()) for name in ('tenant', 'id', 'account', 'name', 'email', 'phone')))
SEALED = sa.table(
    'contact',
    *(sa.column(name, sa.Text()) for name in ('tenant', 'id', 'name', 'email_digest')),
    sa.column('email', sa.LargeBinary()),
    sa.column('phone', sa.LargeBinary()),
)
JSON_ANSWERS = sa.table('request', *(sa.column(name, sa.Text()) for name in ('tenant', 'key')), sa.column('answer', sa.JSON()))
ANSWERS = sa.table('request', *(sa.column(name, sa.Text()) for name in ('tenant', 'key')), sa.column('answer', sa.LargeBinary()))


def upgrade() -> None:
    connection = op.get_bind()
    for table in ('contact', 'request'):
        # Else an owner that is no superuser would see no rows, and what they hold would be lost.
        op.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
    reachable = sa.or_(TEXTS.c.email.is_not(None), TEXTS.c.phone.is_not(None))
    contacts = connection.execute(sa.select(TEXTS).where(reachable)).all()
    answers = connection.execute(sa.select(JSON_ANSWERS)).all()
    keys = context.config.attributes.get('keys')
    if keys is None and (contacts or answers):
        raise CommandError('addresses and answers are kept in plain text and are to be sealed now; set PLAYKEEPER_ENCRYPTION_KEYS here too')
    op.drop_index('contact_by_email', table_name='contact')
    # The columns are emptied by rewriting the table, and filled after that: no old version of a row with an address in it stays behind.
    op.execute(
        'ALTER TABLE contact ALTER email TYPE bytea USING NULL::bytea, ALTER phone TYPE bytea USING NULL::bytea, ADD email_digest varchar'
    )
    op.execute('ALTER TABLE request ALTER answer DROP DEFAULT, ALTER answer DROP NOT NULL')
    op.execute('ALTER TABLE request ALTER answer TYPE bytea USING NULL::bytea')
    for contact in contacts:
        mine = sa.and_(SEALED.c.tenant == contact.tenant, SEALED.c.id == contact.id)
        connection.execute(sa.update(SEALED).where(mine).values(**sealed_contact(keys, contact)))
    for answer in answers:
        mine = sa.and_(ANSWERS.c.tenant == answer.tenant, ANSWERS.c.key == answer.key)
        sealed = keys.seal_json(Place(answer.tenant, 'request', 'answer', answer.key), answer.answer)
        connection.execute(sa.update(ANSWERS).where(mine).values(answer=sealed))
    op.create_index('contact_by_email', 'contact', ['tenant', 'email_digest'], unique=False)
    for table in ('contact', 'request'):
        op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')


def sealed_contact(keys: KeyRing, contact: sa.Row) -> dict[str, object]:
    """Give the new columns. Imports made ids, and names of the nameless, of the address: these are made anew."""
    if contact.email is None:
        return {'phone': keys.seal_json(Place(contact.tenant, 'contact', 'phone', contact.id), contact.phone)}
    digest = keys.digest(Place(contact.tenant, 'contact', 'email', ''), contact.email.strip().lower())
    shown = contact.id == f'{contact.account}.{contact.email.lower()}'[:200]
    name = f'{contact.account}.{digest[:20]}' if shown else contact.id
    changes: dict[str, object] = {
        'id': name,
        'name': contact.email.partition('@')[0] if contact.name == contact.email else contact.name,
        'email': keys.seal_json(Place(contact.tenant, 'contact', 'email', name), contact.email),
        'email_digest': digest,
    }
    if contact.phone is not None:
        changes['phone'] = keys.seal_json(Place(contact.tenant, 'contact', 'phone', name), contact.phone)
    return changes


def downgrade() -> None:
    raise NotImplementedError("0005 kept addresses in plain text")
