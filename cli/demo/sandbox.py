"""A CRM that is none: a web server on the loopback that keeps what it is told, and refuses the accounts it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from cli.client import Api, JsonTree


class SandboxCrm:
    """Answers 200 to an account's stage, and 422 for the accounts in `refused`."""

    def __init__(self) -> None:
        """Listen on a free port; `start` by entering the context."""
        self.refused: set[str] = set()
        self.told: list[tuple[str, int]] = []
        crm = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:  # the name the server looks for
                crm._answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Keep the terminal for the story."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="sandbox CRM", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/accounts"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        account = str(json.loads(request.rfile.read(length) or b"{}").get("account"))
        status = 422 if account in self.refused else 200
        self.told.append((account, status))
        answer = json.dumps({"error": "the sandbox CRM knows no such stage"} if status == 422 else {"kept": True}).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)


def use_sandbox_vendors(api: Api, accounts: Sequence[str]) -> dict[str, JsonTree]:
    """Give the inputs with which the plays use the vendors' stand-ins, and link the accounts there.

    A vendor that is connected for real is left alone: a demo gives nobody a discount.
    """
    stood_in = {each["vendor"] for each in api.get("/v1/connectors") if each["state"] == "sandbox"}
    inputs: dict[str, JsonTree] = {}
    if "stripe" in stood_in:
        for account in accounts:
            link = {"kind": "customer", "external_id": f"cus_sandbox_{account}", "account": account}
            api.post("/v1/connectors/stripe/links", link)
        inputs["discount_percent"] = 10
    if "google_calendar" in stood_in:
        inputs["meeting"] = True
    return inputs
