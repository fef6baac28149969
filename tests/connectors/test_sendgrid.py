from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import jsonschema
import pytest

from activities.actions.email import SendEmail
from activities.connections import Connections
from activities.effects import Ledger
from connectors.email.mail import Mail, Mailbox
from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable
from connectors.incoming import Delivered, Forged, Malformed
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from connectors.sendgrid.client import SendGrid
from connectors.sendgrid.fake import FakeSendGrid
from connectors.sendgrid.vendor import SENDGRID, Suppressed
from connectors.sendgrid.webhooks import read_events
from playbook_dsl.values import Json
from storage.repositories.connections import delete_connection, save_connection
from storage.repositories.effects import effect_key, find_effect
from storage.session import Database
from tests.activities.acting import TENANT, Postbox, call_of, ledger_of, make_account, run_of
from tests.house.tree import ROOT

DESCRIPTION = ROOT.parent / "shared/contracts/sendgrid_mail_v3.json.gz"
KEY = FakeSendGrid.verification_key()
CREDENTIALS = SENDGRID.read_credentials({**SENDGRID.sandbox, "webhook_key": KEY})
MAIL = Mail(
    message_id="m1@acme.example",
    sender=Mailbox("maria@acme.example", "Maria Lopez"),
    to=(Mailbox("ann@example.com", "Ann"), Mailbox("bob@example.com")),
    cc=(Mailbox("Ann@example.com"), Mailbox("cat@example.com")),
    subject="Hello",
    text="We are here.",
    html="<p>We are here.</p>",
    at=datetime(2026, 6, 1, tzinfo=UTC),
    categories=("save", "intro", "save"),
)


@asynccontextmanager
async def opened(fake: FakeSendGrid, **more: object) -> AsyncIterator[SendGrid]:
    with serving(fake) as url:
        client = SENDGRID.connect({**SENDGRID.sandbox, **more}, url)
        yield client
        await client.close()


async def test_a_mail_has_all_that_makes_it_found_again() -> None:
    fake = FakeSendGrid()
    async with opened(fake, unsubscribe_group="7") as client:
        assert await client.send(MAIL) == ()

    [mail] = fake.mails
    [envelope] = mail["personalizations"]
    assert [each["email"] for each in envelope["to"]] == ["ann@example.com", "bob@example.com"]
    assert [each["email"] for each in envelope["cc"]] == ["cat@example.com"]
    assert envelope["custom_args"] == {"message_id": "m1@acme.example"}
    assert mail["categories"] == ["save", "intro"]
    assert mail["asm"] == {"group_id": 7}
    assert mail["from"] == {"email": "maria@acme.example", "name": "Maria Lopez"}
    assert "reply_to" not in mail


async def test_a_verified_sender_stands_in_and_replies_go_to_the_owner() -> None:
    fake = FakeSendGrid()
    async with opened(fake, sender="hello@acme.example") as client:
        await client.send(MAIL)

    assert fake.mails[0]["from"] == {"email": "hello@acme.example", "name": "Maria Lopez"}
    assert fake.mails[0]["reply_to"] == {"email": "maria@acme.example", "name": "Maria Lopez"}


async def test_in_sandbox_mode_a_mail_is_only_checked() -> None:
    fake = FakeSendGrid()
    async with opened(fake, sandbox_mode="true") as client:
        await client.send(MAIL)

    assert (len(fake.mails), len(fake.checked)) == (0, 1)


@pytest.mark.parametrize("why", ["bounced", "complained", "unsubscribed", "left"])
async def test_who_may_not_be_written_to_is_left_out(why: str) -> None:
    fake = FakeSendGrid()
    among = fake.left.setdefault(7, set()) if why == "left" else getattr(fake, why)
    among.add("ann@example.com")
    async with opened(fake, unsubscribe_group=7) as client:
        assert await client.send(replace(MAIL, cc=())) == ("ann@example.com",)
        with pytest.raises(Suppressed):
            await client.send(replace(MAIL, to=(Mailbox("ann@example.com"),)))

    assert [each["email"] for mail in fake.mails for each in mail["personalizations"][0]["to"]] == ["bob@example.com"]


async def test_an_address_with_odd_letters_is_asked_for_as_it_is() -> None:
    fake = FakeSendGrid()
    fake.bounced.add("ann+a/b?c@example.com")
    async with opened(fake) as client:
        assert await client.suppressed(["ann+a/b?c@example.com"]) == ["ann+a/b?c@example.com"]


async def test_a_mail_is_looked_up_only_where_the_plan_can_tell() -> None:
    fake = FakeSendGrid()
    async with opened(fake, activity="true") as client:
        assert await client.find("m1@acme.example") is None
        await client.send(MAIL)
        assert await client.find("m1@acme.example") is True
    async with opened(fake) as client:
        assert await client.find("m1@acme.example") is None


async def test_a_limit_in_sendgrids_own_words_says_when_to_come_again() -> None:
    fake = FakeSendGrid()
    reset = int((datetime.now(UTC) + timedelta(seconds=60)).timestamp())
    async with opened(fake) as client:
        fake.faults.append(Fault("status", 429, {"X-RateLimit-Reset": str(reset)}))
        with pytest.raises(RateLimited) as caught:
            await client.send(MAIL)

    assert caught.value.retry_after is not None
    assert timedelta(seconds=50) < caught.value.retry_after <= timedelta(seconds=60)


async def test_a_welcome_page_in_place_of_an_acceptance_leaves_the_mail_in_doubt() -> None:
    fake = FakeSendGrid()
    async with opened(fake) as client:
        fake.faults.append(Fault("garbage", path="/mail/send"))
        with pytest.raises(Unavailable) as caught:
            await client.send(MAIL)

    assert caught.value.maybe_done


async def test_a_server_that_is_not_there_took_nothing() -> None:
    with serving(FakeSendGrid()) as url:
        pass
    client = SENDGRID.connect(dict(SENDGRID.sandbox), url)
    with pytest.raises(Unavailable) as caught:
        await client.send(MAIL)

    assert not caught.value.maybe_done


async def test_a_key_that_may_not_read_suppressions_is_refused_when_it_is_saved() -> None:
    fake = FakeSendGrid()
    async with opened(fake) as client:
        fake.faults.append(Fault("status", 403, path="/suppression/"))
        with pytest.raises(NotAuthorized):
            await client.verify()


async def test_a_verification_key_that_is_none_is_refused_when_it_is_saved() -> None:
    async with opened(FakeSendGrid(), webhook_key="not-a-key") as client:
        with pytest.raises(NotAuthorized, match="webhook_key"):
            await client.verify()
    async with opened(FakeSendGrid(), webhook_key=KEY) as client:
        assert await client.verify()


def told(**fields: object) -> dict[str, object]:
    return {
        "sg_event_id": "e1",
        "sg_message_id": "s1",
        "timestamp": 1780000000,
        "email": "ann@example.com",
        "message_id": "m1@acme.example",
        **fields,
    }


@pytest.mark.parametrize(
    ("fields", "name", "hard"),
    [
        ({"event": "delivered"}, "email.delivered", None),
        ({"event": "open"}, "email.opened", None),
        ({"event": "click", "url": "https://acme.example"}, "email.clicked", None),
        ({"event": "bounce", "type": "bounce", "reason": "550"}, "email.bounced", True),
        ({"event": "bounce", "type": "blocked", "reason": "421"}, "email.bounced", False),
        ({"event": "dropped", "reason": "Bounced Address"}, "email.bounced", True),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, "email.bounced", False),
        ({"event": "spamreport"}, "email.complained", None),
        ({"event": "unsubscribe"}, "email.unsubscribed", None),
        ({"event": "group_unsubscribe", "asm_group_id": 7}, "email.unsubscribed", None),
    ],
)
def test_what_sendgrid_tells_has_our_names(fields: dict[str, object], name: str, hard: bool | None) -> None:
    [event] = read_events(FakeSendGrid().deliver(told(**fields)), CREDENTIALS)

    assert (event.id, event.name, event.address) == ("e1", name, "ann@example.com")
    assert event.fields["message_id"] == "m1@acme.example"
    assert event.fields.get("hard") is hard
    assert event.occurred_at == datetime.fromtimestamp(1780000000, UTC)


@pytest.mark.parametrize("fields", [{"event": "processed"}, {"event": "deferred"}, {"event": "open", "sg_machine_open": True}])
def test_what_nobody_can_use_is_no_event(fields: dict[str, object]) -> None:
    assert read_events(FakeSendGrid().deliver(told(**fields)), CREDENTIALS) == []


SIGNED = FakeSendGrid().deliver(told(event="open"))


@pytest.mark.parametrize(
    "delivered",
    [
        replace(SIGNED, body=SIGNED.body.replace(b"ann", b"eve")),
        replace(SIGNED, body=b"\xff"),
        replace(SIGNED, headers={}),
        replace(SIGNED, headers={**SIGNED.headers, "x-twilio-email-event-webhook-timestamp": "1780000001"}),
        replace(SIGNED, headers={**SIGNED.headers, "x-twilio-email-event-webhook-signature": "x"}),
    ],
)
def test_what_is_signed_otherwise_is_forged(delivered: Delivered) -> None:
    with pytest.raises(Forged):
        read_events(delivered, CREDENTIALS)


@pytest.mark.parametrize("key", [None, "not-a-key"])
def test_without_a_key_to_tell_everything_is_forged(key: str | None) -> None:
    with pytest.raises(Forged):
        read_events(SIGNED, SENDGRID.read_credentials({**SENDGRID.sandbox, "webhook_key": key}))


@pytest.mark.parametrize("event", [{"event": "open"}, told(event="open", timestamp="now"), told(event="open", timestamp=10**30), 7])
def test_what_is_no_event_is_malformed(event: object) -> None:
    with pytest.raises(Malformed):
        read_events(FakeSendGrid().deliver(event), CREDENTIALS)  # type: ignore[arg-type]  # that is the point


@asynccontextmanager
async def connected(database: Database, url: str, **more: Json) -> AsyncIterator[tuple[Ledger, Postbox]]:
    async with database.begin(TENANT) as session:
        await save_connection(session, SENDGRID.name, {**SENDGRID.sandbox, **more}, account="test", saved_by="maria")
    connections, postbox = Connections(database, url), Postbox()
    try:
        yield ledger_of(database, postbox, connections=connections), postbox
    finally:
        await connections.close()
        async with database.begin(TENANT) as session:
            await delete_connection(session, SENDGRID.name)


INPUTS = {"to": "champion", "from": "csm", "subject": "Hello", "body": "We are here."}


@pytest.mark.servers
async def test_only_tenants_that_are_connected_send_through_sendgrid(database: Database) -> None:
    account, fake = await make_account(database), FakeSendGrid()
    with serving(fake) as url:
        async with connected(database, url) as (ledger, postbox):
            result = await ledger.perform(call_of(run_of(account), "email.send", "intro", INPUTS))
            assert (len(fake.mails), postbox.mails) == (1, [])
            assert fake.mails[0]["personalizations"][0]["custom_args"]["message_id"] == result.output["message_id"]
            assert fake.mails[0]["categories"] == ["demo", "intro"]
        await ledger.perform(call_of(run_of(account), "email.send", "again", INPUTS))

    assert (len(fake.mails), len(postbox.mails)) == (1, 1)


@pytest.mark.servers
@pytest.mark.parametrize("if_nobody", ["skip", "hold"])
async def test_who_unsubscribed_at_sendgrid_is_nobody_to_write_to(database: Database, if_nobody: str) -> None:
    account, fake = await make_account(database), FakeSendGrid()
    fake.unsubscribed.add(f"ann@{account}.example")
    call = call_of(run_of(account), "email.send", inputs=INPUTS, if_nobody=if_nobody)
    with serving(fake) as url:
        async with connected(database, url) as (ledger, _):
            if if_nobody == "skip":
                assert (await ledger.perform(call)).status == "skipped"
            else:
                with pytest.raises(Rejected, match="nobody to write to"):
                    await ledger.perform(call)

    assert fake.mails == []


@pytest.mark.servers
async def test_a_mail_in_doubt_is_looked_for_where_it_went(database: Database) -> None:
    """The tenant is disconnected meanwhile; the mail must not go out a second time through the installation's own server."""
    account, fake = await make_account(database), FakeSendGrid()
    call = call_of(run_of(account), "email.send", inputs=INPUTS)
    with serving(fake) as url:
        async with connected(database, url) as (ledger, postbox):
            fake.faults.append(Fault("lost", path="/mail/send"))
            with pytest.raises(ConnectorError):
                await ledger.perform(call)
        result = await ledger.perform(call)

    assert (result.status, len(fake.mails), postbox.mails) == ("unknown", 1, [])


@pytest.mark.servers
async def test_a_mail_in_doubt_is_done_when_the_activity_shows_it(database: Database) -> None:
    account, fake = await make_account(database), FakeSendGrid()
    call = call_of(run_of(account), "email.send", inputs=INPUTS)
    with serving(fake) as url:
        async with connected(database, url, activity=True) as (ledger, _):
            fake.faults.append(Fault("lost", path="/mail/send"))
            with pytest.raises(ConnectorError):
                await ledger.perform(call)
            result = await ledger.perform(call)

    assert (result.status, result.live, len(fake.mails)) == ("done", f"mail:{result.output['message_id']}", 1)


@pytest.mark.servers
async def test_a_mail_counts_against_sendgrid_only_when_it_goes_there(database: Database) -> None:
    account, fake = await make_account(database), FakeSendGrid()
    action = SendEmail(Postbox(), "playkeeper@acme.example", Connections(database))
    call = call_of(run_of(account), "email.send", inputs=INPUTS)
    with serving(fake) as url:
        async with connected(database, url) as (ledger, _):
            async with database.begin(TENANT) as session:
                assert await action.vendor_for(session, None) is SENDGRID
            await ledger.perform(call)
    async with database.begin(TENANT) as session:
        known = await find_effect(session, effect_key(TENANT, call.run.chain, call.key, call.generation))
        assert known is not None
        assert await action.vendor_for(session, None) is None
        assert await action.vendor_for(session, known.request) is SENDGRID


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="SendGrid's own description is not beside the project")
@pytest.mark.parametrize("more", [{}, {"unsubscribe_group": 7, "sender": "hello@acme.example", "sandbox_mode": True}])
async def test_mails_and_refusals_are_as_sendgrid_describes(more: dict[str, object]) -> None:
    described = json.loads(gzip.decompress(DESCRIPTION.read_bytes()))
    parts = {"components": described["components"]}
    schema = described["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"]
    fake = FakeSendGrid()
    async with opened(fake, **more) as client:
        await client.send(MAIL)
    [sent] = [received for received in fake.received if received.path.endswith("/mail/send")]

    jsonschema.Draft202012Validator({**schema, **parts}).validate(sent.body)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(fake), base_url="http://sandbox") as stranger:
        [refused] = (await stranger.get("/v3/scopes")).json()["errors"]
    # The description says `nullable`, which its own version of OpenAPI does not know any more.
    without_null = {name: value for name, value in refused.items() if value is not None}
    jsonschema.Draft202012Validator({"$ref": "#/components/schemas/ErrorResponse", **parts}).validate({"errors": [without_null]})
    assert set(sent.body) <= set(schema["properties"])
    assert set(sent.body["personalizations"][0]) <= set(schema["properties"]["personalizations"]["items"]["properties"])
