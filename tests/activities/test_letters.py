from __future__ import annotations

import pytest

from playbook_dsl.plan import Message
from playbook_dsl.templates import MESSAGE_NAMES
from storage.session import Database
from tests.activities.acting import Postbox, call_of, ledger_of, make_account, run_of

pytestmark = pytest.mark.servers

EVERY_NAME = "".join(f"{root}.{field}={{{{ {root}.{field} }}}};" for root, kind in MESSAGE_NAMES.items() for field in kind.fields)


async def sent(database: Database, to: object, body: str) -> str:
    postbox = Postbox()
    call = call_of(
        run_of(await make_account(database)),
        "email.send",
        inputs={"to": to, "from": "csm"},
        message=Message(name="hello", channel="email", subject="Hello", body=body),
    )
    await ledger_of(database, postbox).perform(call)
    return postbox.mails[0].text


async def test_a_letter_knows_its_reader_and_who_signs_it(database: Database) -> None:
    text = await sent(database, "champion", "Hi {{ recipient.first_name }},\n\nyours {{ sender.name }} ({{ sender.email }})")

    assert text == "Hi Ann,\n\nyours Maria Lopez (maria@acme.example)"


async def test_a_reader_without_a_name_is_greeted_all_the_same(database: Database) -> None:
    assert await sent(database, "somebody@else.example", "Hi {{ recipient.first_name }},") == "Hi there,"


async def test_every_name_the_compiler_promises_a_letter_is_there(database: Database) -> None:
    text = await sent(database, "champion", EVERY_NAME)

    assert text.count("=") == text.count(";") == 5
