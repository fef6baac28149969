"""The vendors of the drill: a web service and a mail server on the loopback that count what they did, and misbehave like real ones."""

from __future__ import annotations

import random
import threading
from asyncio import WriteTransport
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from cli.dev.server import free_port


@dataclass
class Books:
    """What the vendors did, by the key that identifies the effect. `sent` counts mails by message id."""

    orders: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    put: Counter[str] = field(default_factory=Counter)
    posted: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    dropped: int = 0
    busy: int = 0

    @property
    def entries(self) -> int:
        """How many requests took effect so far."""
        return len(self.orders) + len(self.cancelled) + self.posted.total() + self.sent.total()


class _Handler(BaseHTTPRequestHandler):
    """PUT is the same effect again when it has the same key; every POST is an effect of its own. /refused is always refused."""

    protocol_version = "HTTP/1.1"
    books: ClassVar[Books]
    chance: ClassVar[random.Random]
    lock: ClassVar[threading.Lock]
    faults: ClassVar[float]

    def _take(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = self.headers["Idempotency-Key"]
        with self.lock:
            dice = self.chance.random()
            if self.path.startswith("/refused"):
                return self._answer(422)
            if dice < self.faults:
                self.books.busy += 1
                return self._answer(503)
            self._commit(key)
            if dice > 1 - self.faults:
                # Done, but nobody hears of it: the case that makes senders send twice.
                self.books.dropped += 1
                self.close_connection = True
                self.connection.close()
                return None
        return self._answer(200)

    def _commit(self, key: str) -> None:
        if self.command == "POST":
            self.books.posted[key] += 1
        elif self.command == "DELETE":
            self.books.cancelled.add(self.path)
        else:
            self.books.orders.add(self.path)
            self.books.put[key] = 1

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_POST = do_DELETE = _take

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed, or a connection we dropped: what the drill is about."""


class _Mails:
    """Takes every mail; the connection of some breaks right after."""

    def __init__(self, books: Books, chance: random.Random, faults: float) -> None:
        self._books, self._chance, self._faults = books, chance, faults

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        (identity,) = [line for line in content.splitlines() if line.lower().startswith(b"message-id:")]
        self._books.sent[identity.split(b":", 1)[1].strip().strip(b"<>").decode()] += 1
        if self._chance.random() < self._faults and isinstance(server.transport, WriteTransport):
            self._books.dropped += 1
            server.transport.abort()
        return "250 OK"


class Vendors:
    """Both servers, for as long as the drill runs. A share `faults` of the requests meets each kind of trouble."""

    def __init__(self, seed: int, faults: float = 0.04) -> None:
        self.books = Books()
        handler = type(
            "Handler", (_Handler,), {"books": self.books, "chance": random.Random(seed), "lock": threading.Lock(), "faults": faults}
        )
        self._web = _Server(("127.0.0.1", 0), handler)
        self._mail = Controller(_Mails(self.books, random.Random(seed + 1), faults), hostname="127.0.0.1", port=free_port())
        self.host = f"127.0.0.1:{self._web.server_port}"
        self.smtp_port: int = self._mail.port

    def __enter__(self) -> Self:
        threading.Thread(target=self._web.serve_forever, daemon=True).start()
        self._mail.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._web.shutdown()
        self._web.server_close()
        self._mail.stop()
