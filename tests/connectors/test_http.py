from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import pytest_asyncio

from connectors.errors import ConnectorError, NotAuthorized, RateLimited, Rejected, Unavailable, pause_of
from connectors.http.client import WebClient, is_public, problem_of

Answer = Callable[[bytes], bytes | None]


@asynccontextmanager
async def web_server(answer: Answer) -> AsyncIterator[int]:
    """A server that gives its raw request to `answer`; None hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        given = answer(head + await reader.readexactly(length))
        if given is not None:
            writer.write(given)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[tuple[int, list[bytes]]]:
    seen: list[bytes] = []

    def answer(request: bytes) -> bytes:
        seen.append(request)
        return http("200 OK", b'{"ok": true}', "Content-Type: application/json; charset=utf-8")

    async with web_server(answer) as port:
        yield port, seen


def client(port: int) -> WebClient:
    return WebClient(timeout_s=3, private_hosts=frozenset({f"localhost:{port}", f"127.0.0.1:{port}"}))


async def test_a_request_carries_its_key_and_the_answer_is_read(echo: tuple[int, list[bytes]]) -> None:
    port, seen = echo
    answer = await client(port).request("POST", f"http://localhost:{port}/a?b=1", headers={"X-A": "1"}, body={"ü": 1}, key="k1")

    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?b=1 HTTP/1.1")
    assert b"idempotency-key: k1" in head.lower()
    assert f"host: localhost:{port}".encode() in head.lower()
    assert json.loads(body) == {"ü": 1}
    assert (answer.status, answer.body) == (200, {"ok": True})


PRIVATE = ["127.0.0.1", "10.0.0.8", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.1", "100.64.0.1", "224.0.0.1", "::1"]
PRIVATE += ["fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::"]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_of_our_own_network_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


URLS = {
    "loopback by name": "http://localhost:{port}/",
    "loopback by number": "http://127.0.0.1:{port}/",
    "loopback by one number": "http://2130706433:{port}/",
    "loopback in short": "http://127.1:{port}/",
    "loopback in hexadecimal": "http://0x7f.0.0.1:{port}/",
    "loopback of IPv6": "http://[::1]:{port}/",
    "loopback of IPv4 in IPv6": "http://[::ffff:127.0.0.1]:{port}/",
    "cloud metadata": "http://169.254.169.254/latest/meta-data/",
    "a password": "http://user:pass@localhost:{port}/",
    "a file": "file:///etc/passwd",
    "no address": "javascript:alert(1)",
    "nothing": "",
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS.keys())
async def test_nothing_reaches_our_own_network(echo: tuple[int, list[bytes]], url: str) -> None:
    port, seen = echo

    with pytest.raises((Rejected, Unavailable)) as caught:
        await WebClient(timeout_s=2).request("GET", url.format(port=port), headers={}, body=None, key="k")

    assert seen == []
    assert caught.value.maybe_done is False


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with web_server(lambda request: http("302 Found", b"", "Location: http://169.254.169.254/")) as port:
        answer = await client(port).request("GET", f"http://localhost:{port}/", headers={}, body=None, key="k")

    assert answer.status == 302


@pytest.mark.parametrize("host", ["api.example.com", "a.b.example.org"])
def test_allowed_hosts_may_be_called(host: str) -> None:
    import httpx

    allowed = WebClient(allowed_hosts=frozenset({"api.example.com", "*.example.org"}))
    allowed._check_host(httpx.URL(f"https://{host}/"))


@pytest.mark.parametrize(
    "url", ["https://example.org/", "https://evil.example.com/", "https://api.example.com.evil.test/", "https://x.test/"]
)
async def test_other_hosts_are_refused(url: str) -> None:
    allowed = WebClient(allowed_hosts=frozenset({"api.example.com", "*.example.org"}))

    with pytest.raises(Rejected, match="is not among the hosts"):
        await allowed.request("GET", url, headers={}, body=None, key="k")


@pytest.mark.parametrize(
    "headers", [{"Host": "x"}, {"content-length": "1"}, {"X": "a\r\nY: b"}, {"Ü": "1"}, {"X": "ü"}, {"X Y": "1"}, {"": "1"}]
)
async def test_headers_that_would_change_the_request_are_refused(echo: tuple[int, list[bytes]], headers: dict[str, str]) -> None:
    port, seen = echo

    with pytest.raises(Rejected):
        await client(port).request("GET", f"http://localhost:{port}/", headers=headers, body=None, key="k")
    assert seen == []


BROKEN: dict[str, tuple[Answer, type[ConnectorError], bool]] = {
    "hangs up": (lambda request: None, Unavailable, True),
    "answers nonsense": (lambda request: b"nonsense\r\n\r\n", Unavailable, True),
    "never ends": (lambda request: http("200 OK", b"x" * 300_000), Rejected, True),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_answer_says_that_the_request_may_have_been_done(case: tuple[Answer, type[ConnectorError], bool]) -> None:
    answer, error, maybe_done = case
    async with web_server(answer) as port:
        with pytest.raises(error) as caught:
            await client(port).request("POST", f"http://localhost:{port}/", headers={}, body=None, key="k")

    assert caught.value.maybe_done is maybe_done


ODD: dict[str, tuple[bytes, str, object]] = {
    "an encoding nobody knows": (b"h\xc3\xbc", "text/html; charset=klingon", "hü"),
    "an encoding that is none for texts": (b"hi", "text/html; charset=hex", "hi"),
    "an encoding that always fails": (b"hi", "text/html; charset=undefined", "hi"),
    "NUL in a text": (b"a\0b", "text/plain", "a\ufffdb"),
    "NUL in JSON": (rb'["a\u0000b"]', "application/json", ["a\ufffdb"]),
    "half a character": (rb'["\ud800", "\uDC00x"]', "application/json", ["\ufffd", "\ufffdx"]),
    "a whole character in two escapes": (rb'["\ud83d\ude00"]', "application/json", ["\U0001f600"]),
    "a backslash before u0000": (rb'["\\u0000"]', "application/json", [r"\u0000"]),
    "a large integer": (b"[12345678901234567890]", "application/json", [12345678901234567890]),
}


@pytest.mark.parametrize("case", ODD.values(), ids=ODD.keys())
async def test_an_odd_answer_is_read_as_something_that_can_be_kept(case: tuple[bytes, str, object]) -> None:
    body, media_type, expected = case
    async with web_server(lambda request: http("200 OK", body, f"Content-Type: {media_type}")) as port:
        answer = await client(port).request("POST", f"http://localhost:{port}/", headers={}, body=None, key="k")

    assert (answer.body or answer.text) == expected


NO_JSON: dict[str, bytes] = {
    "a page": b"<html>",
    "NaN": b'{"a": NaN}',
    "infinity in digits": b'{"a": 1e999}',
    "a number of 400 digits": b"9" * 400,
    "60 levels": b"[" * 60 + b"]" * 60,
    "more levels than Python reads": b"[" * 5000 + b"]" * 5000,
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON.keys())
async def test_what_says_it_is_json_and_is_not_is_kept_as_text(body: bytes) -> None:
    """The service took the request, whatever it said of it."""
    async with web_server(lambda request: http("200 OK", body, "Content-Type: application/json")) as port:
        answer = await client(port).request("POST", f"http://localhost:{port}/", headers={}, body=None, key="k")

    assert (answer.status, answer.body, answer.text) == (200, None, body.decode())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://files.example/a?key=s3cret",
        "files.example/a?key=s3cret",
        "https:///a?key=s3cret",
        "https://files.example:x/?key=s3cret",
        "https://files.example:99999/?key=s3cret",
        "https://files.example/\x01?key=s3cret",
        "https://s3cret:x@files.example/",
    ],
)
async def test_an_address_that_is_refused_is_not_repeated(url: str) -> None:
    with pytest.raises(Rejected) as caught:
        await WebClient().request("GET", url, headers={}, body=None, key="k")

    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


async def test_a_port_that_cannot_be_is_refused() -> None:
    with pytest.raises(Rejected, match="port 99999"):
        await client(1).request("GET", "http://localhost:99999/", headers={}, body=None, key="k")


STATUSES: dict[str, tuple[type[ConnectorError], bool]] = {
    "400 Bad Request": (Rejected, False),
    "401 Unauthorized": (NotAuthorized, False),
    "403 Forbidden": (NotAuthorized, False),
    "404 Not Found": (Rejected, False),
    "408 Request Timeout": (Unavailable, True),
    "429 Too Many Requests": (RateLimited, False),
    "500 Internal Server Error": (Unavailable, True),
    "503 Service Unavailable": (Unavailable, False),
}


@pytest.mark.parametrize(("status", "expected"), STATUSES.items())
async def test_a_status_becomes_the_error_that_says_what_to_do(status: str, expected: tuple[type[ConnectorError], bool]) -> None:
    async with web_server(lambda request: http(status, b"why", "Retry-After: 7")) as port:
        answer = await client(port).request("POST", f"http://localhost:{port}/", headers={}, body=None, key="k")
    problem = problem_of(answer, "localhost")

    assert problem is not None
    assert (type(problem), problem.maybe_done) == expected
    assert problem_of(answer, "localhost", accept=(int(status[:3]),)) is None
    if isinstance(problem, RateLimited):
        assert problem.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("7", timedelta(seconds=7)),
        ("999999", timedelta(hours=1)),
        ("soon", None),
        (None, None),
        ("Wed, 01 Jan 2020 00:00:00 GMT", timedelta(0)),
    ],
)
def test_retry_after_is_read(header: str | None, pause: timedelta | None) -> None:
    assert pause_of(header) == pause
