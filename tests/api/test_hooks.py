"""Vendors' events at the door: who gets in, who does not, and that nothing gets in twice."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from api.limits import MAX_HOOK_BYTES
from cli.dev.server import free_port
from connectors.registry import VENDORS
from settings import Settings
from storage.session import Session
from storage.tables import METADATA
from tests.api.conftest import KEYS, Caller, JsonTree, Served
from tests.api.other_reader import OTHER, signed
from tests.api.signing import BATCH, HOOK, SECRET, STRUCTURED, connect, event, headers, in_database, send
from tests.api.test_bad_input import assert_problem
from tests.database import TENANT

pytestmark = pytest.mark.servers

OTHER_SECRET = SECRET[:-4] + "AAAA"


@pytest.fixture(scope="module")
def doors(application_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """An API without a worker and without Temporal: taking events in needs neither."""
    connect(application_url, KEYS)
    settings = Settings(
        tenant=TENANT,
        data_dir=tmp_path_factory.mktemp("data"),
        database_url=SecretStr(application_url),
        encryption_keys=SecretStr(KEYS),
        temporal_address="127.0.0.1:9",
        api_port=free_port(),
    )
    with Served(settings, with_worker=False) as served:
        caller = Caller(served.url)
        yield caller
        caller.http.close()


def kept(doors: Caller, vendor_id: str) -> list[JsonTree]:
    found = [one for one in doors.get("/v1/events", params={"limit": 200})["items"] if one["vendor_id"] == vendor_id]
    assert len(found) <= 1
    return found


def count_events(url: str) -> int:
    async def count(session: Session) -> int:
        return int((await session.execute(select(func.count()).select_from(METADATA.tables["event"]))).scalar_one())

    return in_database(url, KEYS, count)


@pytest.fixture
def unchanged(application_url: str) -> Iterator[None]:
    """Nothing is kept in this test."""
    before = count_events(application_url)
    yield
    assert count_events(application_url) == before


def test_an_event_is_kept_as_it_was_told(doors: Caller) -> None:
    sent = event(data={"amount_due": 500, "lines": [{"plan": "pro"}]}, time="2026-11-20T10:00:00Z", subject="C-9")

    answer = send(doors.http, sent)

    (found,) = kept(doors, f"/billing {sent['id']}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert (found["source"], found["name"], found["account"], found["fields"]) == (
        "cloudevents",
        "invoice.payment_failed",
        None,
        {"amount_due": 500, "lines": [{"plan": "pro"}]},
    )
    assert found["occurred_at"].startswith("2026-11-20T10:00:00")


def test_an_event_in_headers_and_one_without_data_are_kept(doors: Caller) -> None:
    one, other = uuid.uuid4().hex, uuid.uuid4().hex
    attributes = {"ce-specversion": "1.0", "ce-type": "Order-Placed.v1", "ce-source": "/shop", "ce-account": "C-9"}

    first = send(doors.http, {"total": 5}, message_id=one, kind="application/json; charset=utf-8", more=attributes | {"ce-id": one})
    second = send(doors.http, b"", message_id=other, kind="text/plain", more=attributes | {"ce-id": other})

    assert (first.status_code, second.status_code) == (200, 200)
    assert (kept(doors, f"/shop {one}")[0]["name"], kept(doors, f"/shop {one}")[0]["fields"]) == ("order_placed.v1", {"total": 5})
    assert kept(doors, f"/shop {other}")[0]["fields"] == {}


def test_headers_that_were_exchanged_are_refused(doors: Caller, unchanged: None) -> None:
    attributes = {"ce-specversion": "1.0", "ce-type": "a.b", "ce-source": "/shop", "ce-id": "of another message"}

    answer = send(doors.http, {"total": 5}, kind="application/json", more=attributes)

    assert_problem(answer, 400, "DATA015")


def test_the_same_event_again_is_accepted_and_kept_once(doors: Caller, application_url: str) -> None:
    sent = event(data={"n": 1})
    before = count_events(application_url)

    answers = [send(doors.http, sent), send(doors.http, sent), send(doors.http, sent | {"data": {"n": 2}})]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert count_events(application_url) == before + 1
    assert kept(doors, f"/billing {sent['id']}")[0]["fields"] == {"n": 1}


def test_duplicates_within_a_batch_are_kept_once(doors: Caller, application_url: str) -> None:
    one, other = event(data={"n": 1}), event(data={"n": 2})
    before = count_events(application_url)

    answer = send(doors.http, [one, other, one | {"data": {"n": 3}}, other])

    assert answer.status_code == 200
    assert count_events(application_url) == before + 2
    assert kept(doors, f"/billing {one['id']}")[0]["fields"] == {"n": 1}


def test_the_same_events_in_parallel_and_in_any_order_are_kept_once(doors: Caller, application_url: str) -> None:
    events = [event() for _ in range(30)]
    before = count_events(application_url)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda turn: send(doors.http, events if turn % 2 else events[::-1]), range(24)))

    assert {answer.status_code for answer in answers} == {200}
    assert count_events(application_url) == before + 30


def test_the_same_id_of_another_source_is_another_event(doors: Caller, application_url: str) -> None:
    sent = event()
    before = count_events(application_url)

    send(doors.http, sent)
    send(doors.http, sent | {"source": "/other"})

    assert count_events(application_url) == before + 2


FORGED = {
    "no signature": {"webhook-signature": ""},
    "another version": {"webhook-signature": "v2,abc"},
    "no base64": {"webhook-signature": "v1,%%%"},
    "no comma": {"webhook-signature": "v1"},
    "not ASCII": {"webhook-signature": "v1,\xe4"},
    "no id": {"webhook-id": ""},
    "another id": {"webhook-id": "of another message"},
    "no time": {"webhook-timestamp": ""},
    "a time that is none": {"webhook-timestamp": "nan"},
    "another time": {"webhook-timestamp": str(int(time.time()) - 5)},
}


@pytest.mark.parametrize("changes", FORGED.values(), ids=FORGED)
def test_what_is_not_signed_rightly_is_refused(doors: Caller, unchanged: None, changes: dict[str, str]) -> None:
    body = json.dumps(event()).encode()
    wrong = [(name.encode(), value.encode("latin-1")) for name, value in (headers(body) | changes).items()]

    assert_problem(doors.http.post(HOOK, content=body, headers=wrong), 401, "AUTH003")


def test_a_body_that_was_changed_is_refused(doors: Caller, unchanged: None) -> None:
    body = json.dumps(event(account="C-1")).encode()

    answer = doors.http.post(HOOK, content=body.replace(b"C-1", b"C-2"), headers=headers(body))

    assert SECRET not in assert_problem(answer, 401, "AUTH003")["detail"]


def test_another_secret_and_a_stale_or_future_time_are_refused(doors: Caller, unchanged: None) -> None:
    assert_problem(send(doors.http, event(), secret=OTHER_SECRET), 401, "AUTH003")
    assert_problem(send(doors.http, event(), at=time.time() - 400), 401, "AUTH003")
    assert_problem(send(doors.http, event(), at=time.time() + 400), 401, "AUTH003")


def test_two_secrets_are_good_while_one_is_being_changed(doors: Caller, application_url: str) -> None:
    connect(application_url, KEYS, secret=OTHER_SECRET, previous_secret=SECRET)
    try:
        answers = [send(doors.http, event(), secret=secret).status_code for secret in (SECRET, OTHER_SECRET)]
    finally:
        connect(application_url, KEYS)

    assert answers == [200, 200]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("vendor", ["cloudevents", "stripe", "nobody"])
def test_only_a_post_is_listened_to(doors: Caller, unchanged: None, method: str, vendor: str) -> None:
    body = json.dumps(event()).encode()

    answer = doors.http.request(method, f"/v1/hooks/{vendor}", content=body, headers=headers(body))

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert method == "HEAD" or answer.json()["code"] == "DATA005"


def test_a_stranger_does_not_learn_who_is_connected(doors: Caller, unchanged: None) -> None:
    body = json.dumps(event()).encode()

    answers = [doors.http.post(f"/v1/hooks/{vendor}", content=body, headers=headers(body)) for vendor in ("stripe", "nobody", "x" * 90)]

    problems = [assert_problem(answer, 404, "DATA014") for answer in answers]
    assert len({json.dumps(problem | {"instance": ""}) for problem in problems}) == 1


def test_what_is_too_large_is_refused_before_anything_reads_it(doors: Caller, unchanged: None) -> None:
    large = json.dumps(event(data={"text": "x" * MAX_HOOK_BYTES})).encode()

    assert "1 MB" in assert_problem(send(doors.http, large), 413, "DATA003")["detail"]
    assert_problem(doors.http.post(HOOK, content=iter([large[:1000], large[1000:]]), headers=headers(large)), 413, "DATA003")


NONSENSE = {
    "nothing": b"",
    "no JSON": b"{",
    "not UTF-8": b"\xff\xfe",
    "a number": b"7",
    "null": b"null",
    "a list": b"[]",
    "no id": json.dumps(event() | {"id": ""}).encode(),
    "id of another type": json.dumps(event() | {"id": 5}).encode(),
    "no source": json.dumps({name: value for name, value in event().items() if name != "source"}).encode(),
    "source of another type": json.dumps(event() | {"source": ["/a"]}).encode(),
    "spaces in the source": json.dumps(event() | {"source": "a b"}).encode(),
    "no type": json.dumps(event() | {"type": ""}).encode(),
    "a type that is no name": json.dumps(event() | {"type": "5 Ärger"}).encode(),
    "an old version": json.dumps(event() | {"specversion": "0.3"}).encode(),
    "a time that is none": json.dumps(event() | {"time": "yesterday"}).encode(),
    "a time without a zone": json.dumps(event() | {"time": "2026-11-20T10:00:00"}).encode(),
    "a time of another type": json.dumps(event() | {"time": 5}).encode(),
    "an extension that is none": json.dumps(event() | {"Account-Id": "x"}).encode(),
    "an account of another type": json.dumps(event() | {"account": {"id": 1}}).encode(),
    "data that is no text": json.dumps(event() | {"data_base64": 5}).encode(),
    "deep": b'{"data":' * 50_000 + b"1" + b"}" * 50_000,
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_that_is_signed_is_refused_and_explained(doors: Caller, unchanged: None, body: bytes) -> None:
    # What is not even text was not signed by these rules.
    status, code = (401, "AUTH003") if body == NONSENSE["not UTF-8"] else (400, "DATA015")

    assert_problem(send(doors.http, body), status, code)


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_that_is_not_signed_is_refused_unread(doors: Caller, unchanged: None, body: bytes) -> None:
    assert_problem(doors.http.post(HOOK, content=body, headers={"content-type": "application/json"}), 401, "AUTH003")


@pytest.mark.parametrize("kind", ["application/json", "text/xml", "", "application/cloudevents+xml", BATCH])
def test_a_kind_of_body_that_is_not_meant_is_refused(doors: Caller, unchanged: None, kind: str) -> None:
    assert_problem(send(doors.http, event(), kind=kind), 400, "DATA015")


def test_a_batch_with_one_wrong_event_is_refused_as_a_whole(doors: Caller, unchanged: None) -> None:
    assert_problem(send(doors.http, [event(), event("5")]), 400, "DATA015")


def test_odd_characters_and_numbers_do_not_lose_an_event(doors: Caller) -> None:
    sent = event()
    odd = (
        b'{"nul": "a\\u0000b", "half": "\\ud800", "inf": 1e999, "nan": NaN, "big": 1'
        + b"0" * 40
        + b', "\\u0000": 1, "deep": '
        + (b"[" * 40 + b"]" * 40 + b"}")
    )
    body = json.dumps(sent).encode()[:-1] + b', "data": ' + odd + b"}"

    answer = send(doors.http, body)

    (found,) = kept(doors, f"/billing {sent['id']}")
    assert answer.status_code == 200, answer.text
    assert (found["fields"]["nul"], found["fields"]["half"], found["fields"]["inf"], found["fields"]["nan"]) == ("ab", "?", None, None)
    assert found["fields"]["big"] == "1" + "0" * 40


MARKED = {
    "datetime": {"$datetime": "soon"},
    "no zone": {"$datetime": "2026-01-01T10:00:00"},
    "date": {"$date": 5},
    "money": {"$money": 5},
    "no amount": {"$money": ["NaN", "EUR"]},
    "no currency": {"$money": ["5", {}]},
    "duration": {"$duration": {"days": "x"}},
    "unit": {"$duration": {"moons": 1}},
}


@pytest.mark.parametrize("marked", MARKED.values(), ids=MARKED)
def test_what_is_marked_as_a_value_and_is_none_reaches_no_play(doors: Caller, marked: JsonTree) -> None:
    sent = event(data={"deep": [{"bad": marked}], "good": {"$money": ["5", "EUR"]}})

    send(doors.http, sent)
    by_hand = doors.http.post("/v1/events", json={"id": "marked", "type": "a.b", "data": {"deep": [{"bad": marked}]}})

    assert kept(doors, f"/billing {sent['id']}")[0]["fields"] == {"deep": [{"bad": None}], "good": {"$money": ["5", "EUR"]}}
    assert assert_problem(by_hand, 422, "DATA001")["errors"][0]["pointer"] == "#/data/deep/0/bad"


def test_an_id_of_any_length_is_kept_once(doors: Caller, application_url: str) -> None:
    sent = event() | {"id": "é\x01" + "x" * 5_000}
    before = count_events(application_url)

    assert [send(doors.http, sent).status_code for _ in range(2)] == [200, 200]
    assert count_events(application_url) == before + 1


def test_a_key_of_the_sender_changes_nothing(doors: Caller, application_url: str) -> None:
    key = {"Idempotency-Key": "the same for all"}
    before = count_events(application_url)

    refused = send(doors.http, event(), secret=OTHER_SECRET, more=key)
    answers = [send(doors.http, event(), more=key) for _ in range(2)]

    assert_problem(refused, 401, "AUTH003")
    assert [answer.status_code for answer in answers] == [200, 200]
    assert count_events(application_url) == before + 2


async def test_what_events_say_does_not_show_in_the_tables(doors: Caller, owner_url: str) -> None:
    sent = event("email.opened", subject="Canary@s.example", data={"from": "canary@s.example", "phone": "+49 30 47 11 08"})
    send(doors.http, sent)
    doors.post("/v1/events", {"id": "canary", "type": "email.replied", "data": {"from": "canary@s.example"}}, status=202)

    connection = await asyncpg.connect(owner_url)
    rows = [row for table in METADATA.tables.values() for row in await connection.fetch(str(select(table)))]
    await connection.close()
    shown = "\n".join(one.decode("latin-1") if isinstance(one, bytes) else str(one) for row in rows for one in row.values()).lower()

    assert sent["id"] in shown
    assert "s.example" not in shown
    assert "30 47 11" not in shown


def test_neither_secrets_nor_addresses_are_logged(doors: Caller, capfd: pytest.CaptureFixture[str]) -> None:
    send(doors.http, event("email.opened", subject="canary@s.example"))
    send(doors.http, event("email.opened", subject="canary@s.example"), secret=OTHER_SECRET)
    send(doors.http, event("5", subject="canary@s.example"))

    logged = "".join(capfd.readouterr())
    assert "its signature is not right" in logged
    assert "s.example" not in logged
    assert SECRET not in logged
    assert SECRET.removeprefix("whsec_") not in logged


@pytest.fixture
def sandbox(application_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """An API in front of the sandbox, behind a proxy, that knows one more vendor."""
    monkeypatch.setattr("api.services.hooks.VENDORS", {**VENDORS, "other": OTHER})
    settings = Settings(
        tenant=TENANT,
        data_dir=tmp_path,
        database_url=SecretStr(application_url),
        encryption_keys=SecretStr(KEYS),
        temporal_address="127.0.0.1:9",
        api_port=free_port(),
        public_url="https://plays.example.com/base/",
        vendor_sandbox_url="http://127.0.0.1:9",
    )
    with Served(settings, with_worker=False) as served, httpx.Client(base_url=served.url) as http:
        yield http


def tell_other(http: httpx.Client, told: JsonTree, key: str = "sandbox") -> httpx.Response:
    body = json.dumps(told).encode()
    signature = signed("https://plays.example.com/base/v1/hooks/other?a=%2Fb", body, key)
    return http.post("/v1/hooks/other?a=%2Fb", content=body, headers=signature)


def test_a_reader_sees_the_address_as_the_vendor_does_and_may_answer(sandbox: httpx.Client, application_url: str) -> None:
    before = count_events(application_url)

    challenge, reply = tell_other(sandbox, {"challenge": "3eZb"}), tell_other(sandbox, {"reply": uuid.uuid4().hex})
    unknown, forged = tell_other(sandbox, {"unknown": 1}), tell_other(sandbox, {"challenge": "3eZb"}, "wrong")

    assert (challenge.status_code, challenge.text) == (200, "3eZb")
    assert challenge.headers["content-type"].startswith("text/plain")
    assert (reply.text, reply.headers["content-type"].partition(";")[0]) == ("<Response/>", "text/xml")
    assert (unknown.status_code, unknown.content, "content-type" in unknown.headers) == (200, b"", False)
    assert_problem(forged, 401, "AUTH003")
    assert count_events(application_url) == before + 1


def test_a_reader_that_breaks_down_is_sent_the_event_again_and_tells_nothing(
    sandbox: httpx.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = tell_other(sandbox, {"secret": "4711"})

    assert_problem(answer, 500, "SYS001")
    logged = "".join(capfd.readouterr())
    assert "event lost on a reader" in logged
    assert "canary" not in logged + answer.text
    assert "4711" not in logged + answer.text


def test_without_a_database_the_vendor_is_asked_to_send_again(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        database_url=SecretStr(f"postgresql://nobody@127.0.0.1:{free_port()}/none"),
        encryption_keys=SecretStr(KEYS),
        temporal_address="127.0.0.1:9",
        api_port=free_port(),
    )
    with Served(settings, with_worker=False) as served, httpx.Client(base_url=served.url) as http:
        answer = send(http, event(), kind=STRUCTURED)

    assert_problem(answer, 503, "SYS002")
    assert answer.headers["retry-after"]
