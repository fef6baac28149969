"""Requests to web services that customers name: to allowed hosts only, and never into our own network."""

import asyncio
import ipaddress
import json
import math
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import httpx

from connectors.errors import ConnectorError, Rejected, Unavailable, error_for_status

MAX_ANSWER_BYTES = 256 * 1024
MAX_ANSWER_LEVELS = 50
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FORBIDDEN_HEADERS = {"host", "content-length", "transfer-encoding", "connection", "proxy-authorization"}


@dataclass(frozen=True)
class WebAnswer:
    """What a web service answered. `body` is the JSON it holds, None when it is not JSON that can be read, whatever it says."""

    status: int
    text: str
    retry_after: str | None = None
    body: object = None


@dataclass(frozen=True)
class WebClient:
    """Sends requests.

    `allowed_hosts` are names, `*.example.com` for every host below; empty allows every public host. `private_hosts` (`name` or
    `name:port`) may have addresses that are not public; they are for tests and for services beside ours, and are set by the operator.
    Without `reads_json` an answer is text, whatever it says it is.
    """

    timeout_s: float = 20.0
    allowed_hosts: frozenset[str] = frozenset()
    private_hosts: frozenset[str] = frozenset()
    reads_json: bool = True

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], body: object, key: str) -> WebAnswer:
        """Send one request with an `Idempotency-Key`. Redirects are answers: their targets were not checked.

        Raises:
            ConnectorError: the host is not allowed, cannot be reached, or answers too much.
        """
        target = _target(url)
        self._check_host(target)
        address = await self._address(target)
        sent = _headers(headers) | {"Host": _host_header(target), "Idempotency-Key": key}
        content = _content(body, sent)
        # The connection goes to the very address that was checked: a name that resolves differently a moment later changes nothing.
        pinned = target.copy_with(host=address)
        timeout = httpx.Timeout(self.timeout_s)
        async with httpx.AsyncClient(timeout=timeout, trust_env=False, verify=self._tls) as client:
            request = client.build_request(method, pinned, headers=sent, content=content, extensions={"sni_hostname": target.host})
            try:
                async with asyncio.timeout(self.timeout_s):
                    return await _exchange(client, request, target.host, reads_json=self.reads_json)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                raise Unavailable(f"{target.host} cannot be reached: {error}") from error
            except (httpx.HTTPError, TimeoutError) as error:
                raise Unavailable(f"{target.host} did not finish its answer: {type(error).__name__}", maybe_done=True) from error

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """The authorities we trust, read once: that takes longer than a request."""
        return httpx.create_ssl_context()

    def _check_host(self, target: httpx.URL) -> None:
        if not self.allowed_hosts or _port_name(target) in self.private_hosts or target.host in self.private_hosts:
            return
        labels = target.host.split(".")
        below = {"*." + ".".join(labels[start:]) for start in range(1, len(labels))}
        if target.host not in self.allowed_hosts and not below & self.allowed_hosts:
            raise Rejected(f'"{target.host}" is not among the hosts your organisation allows')

    async def _address(self, target: httpx.URL) -> str:
        port = target.port or (443 if target.scheme == "https" else 80)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(target.host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unavailable(f'the name "{target.host}" cannot be found: {error}') from error
        addresses = [str(entry[4][0]) for entry in found]
        if target.host in self.private_hosts or _port_name(target) in self.private_hosts:
            return addresses[0]
        for address in addresses:
            if not is_public(address):
                raise Rejected(f'"{target.host}" is not on the public internet; such addresses are not allowed')
        return addresses[0]


def is_public(address: str) -> bool:
    """Say whether an IP address belongs to the public internet; addresses that wrap an IPv4 one are judged by that, too."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    wrapped = (
        (parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo or (None,))[-1]) if isinstance(parsed, ipaddress.IPv6Address) else None
    )
    if isinstance(parsed, ipaddress.IPv6Address) and parsed in _NAT64:
        wrapped = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    inner_is_public = wrapped is None or (wrapped.is_global and not wrapped.is_multicast)
    outer_is_public = parsed.is_global or wrapped is not None
    return inner_is_public and outer_is_public and not parsed.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _target(url: str) -> httpx.URL:
    try:
        target = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError):
        # The address is not repeated: many have a key in them.
        raise Rejected("the address is not a web address; write https:// and then the host") from None
    if target.scheme not in ("http", "https") or not target.host:
        about = f' of "{target.host}"' if target.host else ""
        raise Rejected(f"the address{about} does not begin with https:// and a host")
    if target.port is not None and not 0 < target.port < 65536:
        raise Rejected(f'the address of "{target.host}" names port {target.port}; ports end at 65535')
    if target.userinfo:
        raise Rejected("a password does not belong into a web address; use a header")
    return target


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if name.lower() in _FORBIDDEN_HEADERS:
            raise Rejected(f'the header "{name}" is set by us')
        if not _HEADER_NAME.fullmatch(name):
            raise Rejected(f'"{name}" cannot be the name of a header')
        if not value.isascii() or not value.isprintable():
            raise Rejected(f'the header "{name}" is not one line of plain text (ASCII)')
    return dict(headers)


def _content(body: object, headers: dict[str, str]) -> bytes | None:
    if body is None:
        return None
    if isinstance(body, str):
        return body.encode()
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return json.dumps(body, ensure_ascii=False).encode()


def _host_header(target: httpx.URL) -> str:
    return target.netloc.decode("ascii")


def _port_name(target: httpx.URL) -> str:
    return f"{target.host}:{target.port or (443 if target.scheme == 'https' else 80)}"


async def _exchange(client: httpx.AsyncClient, request: httpx.Request, host: str, *, reads_json: bool) -> WebAnswer:
    response = await client.send(request, stream=True, follow_redirects=False)
    try:
        data = b""
        async for piece in response.aiter_bytes():
            data += piece
            if len(data) > MAX_ANSWER_BYTES:
                raise Rejected(f"{host} answered more than {MAX_ANSWER_BYTES // 1024} KiB", maybe_done=True)
    finally:
        await response.aclose()
    text = _text_of(data, response.charset_encoding)
    body = _json_of(text, response) if reads_json else None
    return WebAnswer(response.status_code, text, response.headers.get("retry-after"), body)


def _text_of(data: bytes, charset: str | None) -> str:
    """Read an answer as text that can be kept: without NUL, and as UTF-8 when the service names an encoding nobody knows."""
    try:
        text = data.decode(charset or "utf-8", errors="replace")
    except (LookupError, UnicodeError):
        text = data.decode("utf-8", errors="replace")
    return text.replace("\0", "\ufffd")


def _json_of(text: str, response: httpx.Response) -> object:
    """Read the JSON an answer says it holds; None when it is none that can be read.

    That is no error: the service has taken the request, and what it said is in the text.
    """
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not text or not (media_type == "application/json" or media_type.endswith("+json")):
        return None
    try:
        return _read_json(text)
    except (ValueError, RecursionError):
        return None


def _read_json(text: str) -> object:
    """Read JSON as something that can be stored and calculated with: escapes of NUL and of half a character become U+FFFD."""
    cleaned = _ESCAPES.sub(lambda found: "\\ufffd" if found["unusable"] else found[0], text)
    body = json.loads(cleaned, parse_constant=_finite, parse_float=_finite, parse_int=lambda digits: int(digits) if _finite(digits) else 0)
    level = [body]
    for _ in range(MAX_ANSWER_LEVELS):
        level = [child for node in level if isinstance(node, list | dict) for child in (node if isinstance(node, list) else node.values())]
        if not level:
            return body
    raise ValueError(f"it is nested deeper than {MAX_ANSWER_LEVELS} levels")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:20]} is no number that can be calculated with")
    return value


_ESCAPES = re.compile(r"\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<unusable>\\u0000|\\u[dD][89a-fA-F]..)")


def problem_of(answer: WebAnswer, host: str, *, accept: tuple[int, ...] = ()) -> ConnectorError | None:
    """Give the error an answer stands for, None for an answer that is none or that the caller takes as one."""
    if answer.status in accept:
        return None
    return error_for_status(answer.status, f"{host} answered {answer.status}: {answer.text[:300]}", retry_after=answer.retry_after)
