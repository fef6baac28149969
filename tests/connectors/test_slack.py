from __future__ import annotations

import gzip
import json
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import jsonschema
import pytest
from slack_sdk.web import SlackResponse

from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable
from connectors.sandbox.faults import Fault
from connectors.sandbox.serving import serving
from connectors.slack.client import Slack
from connectors.slack.fake import FakeSlack
from connectors.slack.questions import Asked, question
from connectors.slack.vendor import SLACK, HistoryClosed
from tests.house.tree import ROOT

DESCRIPTION = ROOT.parent / "shared/contracts/slack_web_openapi_v2.json.gz"
Loose: TypeAlias = Any
"""JSON, or a part of Slack's description."""

LONG_AGO = datetime.now(UTC) - timedelta(minutes=5)


@pytest.fixture
def fake() -> FakeSlack:
    fake = FakeSlack()
    fake.add_user("maria@acme.example")
    return fake


@pytest.fixture
def url(fake: FakeSlack) -> Iterator[str]:
    with serving(fake) as url:
        yield url


@pytest.fixture
async def slack(url: str) -> AsyncIterator[Slack]:
    client = SLACK.connect(dict(SLACK.sandbox), url)
    yield client
    await client.close()


async def error_of(slack: Slack, fake: FakeSlack, code: str, **more: Loose) -> ConnectorError:
    headers = {"Retry-After": "7"} if code == "ratelimited" else {}
    fake.faults.append(Fault("status", 200, headers, json.dumps({"ok": False, "error": code, **more})))
    with pytest.raises(ConnectorError) as raised:
        await slack.post("#general", "Hello", key="k")
    return raised.value


@pytest.mark.parametrize(
    ("code", "kind", "in_doubt"),
    [
        ("invalid_auth", NotAuthorized, False),
        ("token_revoked", NotAuthorized, False),
        ("account_inactive", NotAuthorized, False),
        ("channel_not_found", Rejected, False),
        ("is_archived", Rejected, False),
        ("msg_too_long", Rejected, False),
        ("a_code_of_tomorrow", Rejected, False),
        ("internal_error", Unavailable, True),
        ("fatal_error", Unavailable, True),
        ("request_timeout", Unavailable, False),
        ("team_added_to_org", Unavailable, False),
        ("service_unavailable", Unavailable, False),
        ("Not A Code", Unavailable, True),
    ],
)
async def test_a_code_is_one_of_the_four_errors(
    slack: Slack, fake: FakeSlack, code: str, kind: type[ConnectorError], in_doubt: bool
) -> None:
    error = await error_of(slack, fake, code)

    assert isinstance(error, kind)
    assert error.maybe_done is in_doubt


async def test_a_missing_scope_is_named(slack: Slack, fake: FakeSlack) -> None:
    error = await error_of(slack, fake, "missing_scope", needed="chat:write", provided="users:read")

    assert isinstance(error, NotAuthorized)
    assert '"chat:write"' in str(error)


async def test_a_limit_in_an_answer_says_when_to_come_again(slack: Slack, fake: FakeSlack) -> None:
    error = await error_of(slack, fake, "ratelimited")

    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(seconds=7)


async def test_a_message_is_found_by_its_key_over_pages(slack: Slack, fake: FakeSlack) -> None:
    channel = fake.add_channel("last")
    posted = await slack.post("#last", "Hello", key="k1")
    for number in range(250):
        fake._post({"channel": channel, "text": f"{number}", "metadata": {"event_type": "other", "event_payload": {"key": "k1"}}})

    assert posted.channel == channel
    assert await slack.find("#last", "k1", LONG_AGO) == posted
    assert await slack.find(channel, "k1", LONG_AGO) == posted
    assert await slack.find(channel, "k2", LONG_AGO) is None
    assert await slack.find(channel, "k1", datetime.now(UTC) + timedelta(minutes=5)) is None


async def test_a_channel_the_app_cannot_read_tells_nothing(slack: Slack, fake: FakeSlack) -> None:
    closed = fake.add_channel("closed", is_member=False)

    for channel in (closed, "#closed", "#unknown", "C99999999"):
        with pytest.raises(HistoryClosed):
            await slack.find(channel, "k1", LONG_AGO)


async def test_a_message_that_is_gone_is_deleted_once(slack: Slack) -> None:
    posted = await slack.post("#general", "Hello", key="k1")

    assert await slack.delete(posted)
    assert not await slack.delete(posted)


async def test_people_are_looked_up_once(slack: Slack, fake: FakeSlack) -> None:
    first, again = await slack.direct("maria@acme.example"), await slack.direct("maria@acme.example")

    assert first == again == "D00000000"
    assert [received.path for received in fake.received] == ["/slack/api/users.lookupByEmail", "/slack/api/conversations.open"]
    assert await slack.direct("nobody@acme.example") is None


@pytest.mark.parametrize(
    ("marks", "own"), [({}, True), ({"is_bot": True}, False), ({"is_stranger": True}, False), ({"deleted": True}, False)]
)
async def test_who_is_not_of_the_workspace_is_told_apart(slack: Slack, fake: FakeSlack, marks: dict[str, bool], own: bool) -> None:
    user = await slack.user(fake.add_user("vera@acme.example", **marks))

    assert (user.email, user.own) == ("vera@acme.example", own)


async def test_what_was_asked_is_rewritten_without_buttons(slack: Slack, fake: FakeSlack) -> None:
    posted = await slack.post("#general", "Shall we?", key="k1", blocks=[{"type": "divider"}])

    await slack.rewrite(posted, "Approved")

    [message] = fake.all_messages()
    assert message["text"] == "Approved"
    assert "blocks" not in message


# Slack's document is of 2020: these came later.
LATER = {"metadata", "include_all_metadata", "response_metadata"}


def one_of_many(schema: Loose) -> Loose:
    """Say `anyOf` where Slack writes a list of `items` for something that is no list."""
    if isinstance(schema, list):
        return [one_of_many(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    read = {name: one_of_many(value) for name, value in schema.items()}
    if isinstance(read.get("items"), list):
        read["anyOf"] = read.pop("items")
    return read


def answer_of(response: SlackResponse) -> dict[str, Any]:
    assert isinstance(response.data, dict)
    return response.data


def asked(slack: Slack) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every method the connector uses, and its answer, through the SDK."""
    api = slack._api
    yield "auth.test", answer_of(api.auth_test())
    yield "users.lookupByEmail", answer_of(api.users_lookupByEmail(email="maria@acme.example"))
    yield "users.info", answer_of(api.users_info(user="U00000000"))
    yield "conversations.open", answer_of(api.conversations_open(users="U00000000"))
    yield "conversations.list", answer_of(api.conversations_list())
    posted = answer_of(api.chat_postMessage(channel="D00000000", text="Shall we?", blocks=question("item-1", Asked("Shall we?"))))
    yield "chat.postMessage", posted
    yield "conversations.history", answer_of(api.conversations_history(channel="D00000000", limit=200))
    yield "chat.update", answer_of(api.chat_update(channel="D00000000", ts=posted["ts"], text="Approved", blocks=[]))
    yield "chat.postEphemeral", answer_of(api.chat_postEphemeral(channel="D00000000", user="U00000000", text="Not yours"))
    yield "chat.delete", answer_of(api.chat_delete(channel="D00000000", ts=posted["ts"]))


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    if not DESCRIPTION.exists():
        pytest.skip("Slack's own description is not beside the project")
    read: dict[str, Any] = one_of_many(json.loads(gzip.decompress(DESCRIPTION.read_bytes())))
    return read


def test_the_stand_in_answers_as_slack_describes(slack: Slack, described: dict[str, Any]) -> None:
    for method, answer in asked(slack):
        operation = next(iter(described["paths"][f"/{method}"].values()))
        schema = {**operation["responses"]["200"]["schema"], "definitions": described["definitions"]}
        plain = {field: value for field, value in answer.items() if field not in LATER}
        wrong = sorted(jsonschema.Draft4Validator(schema).iter_errors(plain), key=str)

        assert not wrong, f"{method}: {[error.message for error in wrong]} {[e.message for error in wrong for e in error.context or ()]}"


async def test_the_connector_asks_as_slack_describes(slack: Slack, fake: FakeSlack, described: dict[str, Any]) -> None:
    await slack.verify()
    posted = await slack.post(str(await slack.direct("maria@acme.example")), "Shall we?", key="k1", blocks=[{"type": "divider"}])
    await slack.user("U00000000")
    await slack.find("#renewals", "k1", LONG_AGO)
    await slack.rewrite(posted, "Approved")
    await slack.whisper(posted.channel, "U00000000", "Not yours")
    await slack.delete(posted)

    assert len({received.path for received in fake.received}) == len(list(asked(slack)))
    for received in fake.received:
        method = received.path.rpartition("/")[2]
        parameters = {each["name"]: each for each in next(iter(described["paths"][f"/{method}"].values()))["parameters"]}
        sent = set(received.body or {}) | {pair.partition("=")[0] for pair in received.query.split("&") if pair}
        needed = {name for name, each in parameters.items() if each.get("required") and name != "token"}

        assert sent - LATER <= parameters.keys(), method
        assert needed <= sent, method


async def test_the_stand_in_is_not_looked_for_at_the_machines_proxy(fake: FakeSlack, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert await SLACK.connect(dict(SLACK.sandbox), url).verify() == "Sandbox as playkeeper"
    with pytest.raises(Unavailable, match="cannot be reached"):
        await SLACK.connect({"bot_token": "xoxb-own-token", "signing_secret": "0123456789abcdef0123456789abcdef"}, None).verify()


async def test_what_is_sent_and_answered_is_never_logged(slack: Slack, fake: FakeSlack, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await slack.post("#general", "canary", key="k1")
    fake.faults.append(Fault("garbage"))
    with pytest.raises(Unavailable):
        await slack.post("#general", "canary", key="k2")

    assert "canary" not in caplog.text
    assert "welcome page" not in caplog.text


async def test_what_a_fact_says_mentions_nobody(slack: Slack, fake: FakeSlack) -> None:
    posted = await slack.post("#general", "A & B <!channel>", key="k1")
    await slack.rewrite(posted, "<!here>")
    await slack.whisper(posted.channel, "U00000000", "<@U1>")

    assert (fake.all_messages()[0]["text"], fake.whispers[0]["text"]) == ("&lt;!here&gt;", "&lt;@U1&gt;")
