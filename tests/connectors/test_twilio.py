from __future__ import annotations

import gzip
import json
from urllib.parse import urlencode

import jsonschema
import pytest
from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import RequestValidator

from connectors.incoming import Delivered, Forged, Malformed
from connectors.sandbox.serving import serving
from connectors.twilio.fake import FakeTwilio
from connectors.twilio.vendor import TWILIO, OptedOut
from connectors.twilio.webhooks import read_events
from tests.house.tree import ROOT

DESCRIPTION = ROOT.parent / "shared/contracts/twilio_api_v2010.json.gz"
URL = "https://example.com/v1/hooks/twilio"
CREDENTIALS = TWILIO.read_credentials(dict(TWILIO.sandbox))


def signed(token: str | None = None, url: str = URL, **form: str) -> Delivered:
    signature = RequestValidator(token or TWILIO.sandbox["auth_token"]).compute_signature(URL, form)
    return Delivered({"x-twilio-signature": signature}, urlencode(form).encode(), url)


@pytest.mark.parametrize(
    ("form", "name", "address"),
    [
        ({"MessageStatus": "delivered", "To": "+4930123456"}, "sms.delivered", "+4930123456"),
        ({"MessageStatus": "undelivered", "To": "+4930123456", "ErrorCode": "30003"}, "sms.failed", "+4930123456"),
        ({"Body": " stop ", "From": "+4930123456"}, "sms.stopped", "+4930123456"),
        ({"Body": "START", "From": "+4930123456"}, "sms.started", "+4930123456"),
        ({"Body": "Call me", "From": "+4930123456"}, "sms.replied", "+4930123456"),
    ],
)
def test_what_twilio_tells_has_our_names(form: dict[str, str], name: str, address: str) -> None:
    [event] = read_events(signed(MessageSid="SM1", **form), CREDENTIALS)

    assert (event.name, event.address, event.fields["message_id"]) == (name, address, "SM1")


def test_a_status_nobody_can_use_is_no_event() -> None:
    assert read_events(signed(MessageSid="SM1", MessageStatus="queued"), CREDENTIALS) == []


@pytest.mark.parametrize(
    "delivered",
    [
        signed("another-token", MessageSid="SM1", MessageStatus="delivered"),
        signed(url="https://evil.example/v1/hooks/twilio", MessageSid="SM1", MessageStatus="delivered"),
        signed(AccountSid="AC" + "9" * 32, MessageSid="SM1", MessageStatus="delivered"),
        Delivered({}, b"MessageSid=SM1", URL),
    ],
)
def test_what_is_signed_otherwise_is_forged(delivered: Delivered) -> None:
    with pytest.raises(Forged):
        read_events(delivered, CREDENTIALS)


@pytest.mark.parametrize("delivered", [Delivered({}, b"\xff\xfe", URL), signed(Body="no sid")])
def test_what_is_no_message_is_malformed(delivered: Delivered) -> None:
    with pytest.raises(Malformed):
        read_events(delivered, CREDENTIALS)


REPEATED = [("MessageSid", "SM1"), ("Body", "Call me"), ("From", "+4930123456"), ("Tag", "b"), ("Tag", "a")]


def test_every_value_of_a_name_that_comes_twice_is_signed() -> None:
    body = urlencode(REPEATED)
    signature = RequestValidator(TWILIO.sandbox["auth_token"]).compute_signature(URL, ImmutableMultiDict(REPEATED))

    [event] = read_events(Delivered({"x-twilio-signature": signature}, body.encode(), URL), CREDENTIALS)
    with pytest.raises(Forged):
        read_events(Delivered({"x-twilio-signature": signature}, body.replace("Tag=b", "Tag=c").encode(), URL), CREDENTIALS)

    assert (event.name, event.fields["text"]) == ("sms.replied", "Call me")


async def test_a_number_that_said_stop_gets_nothing() -> None:
    fake = FakeTwilio()
    fake.stopped.add("+4930123456")
    with serving(fake) as url:
        client = TWILIO.connect(dict(TWILIO.sandbox), url)
        with pytest.raises(OptedOut):
            await client.send("+4930123456", "Hello")
        await client.close()

    assert fake.messages == []


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Twilio's own description is not beside the project")
async def test_the_stand_in_answers_as_twilio_describes() -> None:
    described = json.loads(gzip.decompress(DESCRIPTION.read_bytes()))  # a file of the tests
    schema = {**described["components"]["schemas"]["api.v2010.account.message"], "components": described["components"]}
    fake = FakeTwilio()
    with serving(fake) as url:
        client = TWILIO.connect(dict(TWILIO.sandbox), url)
        await client.send("+4930123456", "Hello")
        await client.close()
    [sent] = [received for received in fake.received if received.method == "POST"]
    [path] = [path for path in described["paths"] if path.endswith("/Messages.json")]
    body = described["paths"][path]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]

    assert set(fake.messages[0]) <= set(schema["properties"])
    nullable = {name: value for name, value in fake.messages[0].items() if value is not None}
    jsonschema.validate(nullable, {"properties": {name: {"type": schema["properties"][name].get("type", "string")} for name in nullable}})
    assert set(sent.body) <= set(body["properties"])
