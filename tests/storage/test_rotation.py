from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from storage.encryption import KeyRing, SealBroken
from storage.repositories.accounts import list_contacts_by_address, list_contacts_by_email, save_accounts, save_contacts
from storage.repositories.deliveries import add_delivery
from storage.repositories.effects import add_effect, find_effect
from storage.repositories.events import NewEvent, add_events, fields_of, find_event_by_source, find_latest_of
from storage.repositories.records import RunState, StepState, record_run
from storage.repositories.requests import claim_request, keep_answer
from storage.repositories.runs import find_run, list_steps, output_of, saved_of
from storage.rotation import SEALED, reseal
from storage.session import Database
from storage.tables import METADATA, Effect

pytestmark = pytest.mark.servers

OLD, NEW = bytes(32), bytes([1]) * 32
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def effect(key: str) -> Effect:
    return Effect(key=key, chain="c", run="r", step_key="k", action="note.add", effect_class="reversible", account="a", digest="d")


def test_every_sealed_column_is_known_to_the_rotation() -> None:
    in_bytes = {(table.name, column.name) for table in METADATA.tables.values() for column in table.columns if str(column.type) == "BLOB"}
    sealed = in_bytes - {("scoring_model", "file")}  # weights, of which nothing of a customer can be read

    assert sealed == {(table.name, column) for table in SEALED for column in table.columns}


async def test_an_old_key_can_be_thrown_away_after_sealing_anew(application_url: str, database: Database) -> None:
    both = Database(application_url, KeyRing({"k2": NEW, "k1": OLD}, "k2"))
    only_new = Database(application_url, KeyRing({"k2": NEW}, "k2"))
    async with database.begin("acme") as session:
        run = RunState("r1", "c", "w", "a", "p", 1, None, "closed", 1, NOW, "", saved={"x": 1})
        await record_run(session, run, [StepState("k", "t", "action", "done", None, None, {"y": 2}, None, None)])
        for number in range(3):
            await add_effect(session, effect(f"e{number}"), request={"n": number}, prior=[1])
        await add_delivery(session, "w", {"kind": "event"})
        await save_accounts(session, [{"id": "a", "name": "A"}])
        await save_contacts(
            session, [{"id": "c1", "account": "a", "name": "Ann", "email": "ann@a.example", "phone": "+49 30 1", "opt_outs": []}]
        )
        await claim_request(session, "once", "digest")
        await keep_answer(session, "once", 200, {"email": "ann@a.example"})
        await add_events(session, "twilio", [NewEvent("SM1", "sms.stopped", {"text": "STOP"}, NOW, address="004930-1")])
    with pytest.raises(SealBroken, match='key "k1", which is not in the ring'):
        async with only_new.begin("acme") as session:
            await find_effect(session, "e0")

    async with both.begin("acme") as session:
        before = [contact.id for contact in await list_contacts_by_email(session, ["Ann@a.example"])]
    first, again = await reseal(both, "acme"), await reseal(both, "acme")
    async with only_new.begin("acme") as session:
        found = [await find_effect(session, f"e{number}") for number in range(3)]
        row = await find_run(session, "r1")
        assert row is not None
        saved = saved_of(session, row)
        outputs = [output_of(session, step) for step in await list_steps(session, "r1")]
        contacts = await list_contacts_by_email(session, ["Ann@a.example"])
        answered = await claim_request(session, "once", "digest")
        (by_phone,) = await list_contacts_by_address(session, "+49(30)1")
        latest = await find_latest_of(session, "+49 30 1", ["sms.stopped"])
        told = await find_event_by_source(session, "twilio", "SM1")
        assert told is not None
        said = fields_of(session, told)
        news = (await session.execute(select(METADATA.tables["delivery"].c.news))).scalars().all()
    for one in (both, only_new):
        await one.close()

    assert (first, again) == (14, 0)
    assert (by_phone.id, latest, said) == ("c1", "sms.stopped", {"text": "STOP"})
    assert [(one.request, one.prior, one.result) for one in found if one] == [({"n": number}, [1], None) for number in range(3)]
    assert before == ["c1"]
    assert [(contact.id, contact.email, contact.phone) for contact in contacts] == [("c1", "ann@a.example", "+49 30 1")]
    assert answered is not None
    assert answered.answer == {"email": "ann@a.example"}
    assert (saved, outputs, len(news)) == ({"x": 1}, [{"y": 2}], 1)
