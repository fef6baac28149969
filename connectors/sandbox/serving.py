"""Serves stand-ins on the loopback, from a thread of this process."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.sandbox.fake import Fake


def application(fakes: Sequence[Fake], front: ASGIApp | None = None) -> ASGIApp:
    """Give one application with every stand-in below its name; `front` answers everywhere else."""
    by_name = {fake.name: fake for fake in fakes}

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        # By hand, because a framework wraps `send`, and a stand-in that drops the connection needs the server's own.
        name = str(scope.get("path", "")).split("/")[1:2]
        fake = by_name.get(name[0]) if name else None
        if fake is not None:
            await fake({**scope, "root_path": f"/{fake.name}"}, receive, send)
        elif front is not None:
            await front(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(f"sandbox of {', '.join(sorted(by_name))}\n", 404)(scope, receive, send)

    return dispatch


@contextmanager
def serving(*fakes: Fake) -> Iterator[str]:
    """Serve the stand-ins on a free port, and give the address below which each has its name."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(application(fakes), log_level="warning", lifespan="off", ws="none", proxy_headers=False))
        thread = threading.Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join()
