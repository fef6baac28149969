"""`python -m cli.dev.vendors`: the sandbox as a process of its own, every vendor's stand-in on one port, its state kept in a folder."""

from __future__ import annotations

import argparse
import html
import importlib
import pickle  # only of files that this process wrote itself
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.registry import VENDORS
from connectors.sandbox.fake import Fake
from connectors.sandbox.serving import application

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Playkeeper's sandbox</title>
<style>body{{font:16px system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}}
header{{background:#fff3cd;border:1px solid #b58900;padding:.5rem 1rem}} table{{border-collapse:collapse;width:100%}}
td,th{{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd}}</style>
<header><strong>Sandbox.</strong> Stand-ins on this machine: nothing here reaches a vendor, a customer or a bank.</header>
<h1>What plays left at the vendors</h1>{vendors}</html>"""


def stand_ins(folder: Path) -> list[Fake]:
    """Give every vendor's stand-in, as it was left the last time."""
    found: list[Fake] = []
    for vendor in VENDORS.values():
        if vendor.stand_in is None:
            continue
        module, _, name = vendor.stand_in.partition(":")
        made: Fake = getattr(importlib.import_module(module), name)()
        # What an older version kept may not fit any more; a sandbox may begin anew.
        with suppress(OSError, pickle.PickleError, AttributeError, EOFError, ImportError, TypeError):
            made = pickle.loads(_kept(folder, made).read_bytes())  # noqa: S301  # written by this process, in a folder of its own
        made.invents = True
        found.append(made)
    return found


def _kept(folder: Path, fake: Fake) -> Path:
    return folder / f"{fake.name}.pickle"


def sandbox(folder: Path) -> ASGIApp:
    """Give the application: stand-ins, what landed at them at `/`, the same as JSON at `/landed`."""
    fakes = stand_ins(folder)
    served = application(fakes, Starlette(routes=[Route("/", _page(fakes)), Route("/landed", _list(fakes))]))

    async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
        await served(scope, receive, send)
        if scope["type"] == "http" and scope["method"] != "GET":
            for fake in fakes:
                if scope["path"].startswith(f"/{fake.name}/"):
                    _kept(folder, fake).write_bytes(pickle.dumps(fake))

    return keeping


def _page(fakes: Sequence[Fake]) -> Endpoint:
    async def page(request: Request) -> Response:
        return HTMLResponse(_PAGE.format(vendors="".join(_section(fake) for fake in fakes)))

    return page


def _section(fake: Fake) -> str:
    rows = "".join(
        f"<tr><td>{each.at:%Y-%m-%d %H:%M:%S}</td><td>{html.escape(each.what)}</td><td>{html.escape(each.where)}</td></tr>"
        for each in reversed(fake.landed[-100:])
    )
    table = f"<table><tr><th>when (UTC)</th><th>what</th><th>on</th></tr>{rows}</table>" if rows else "<p>Nothing yet.</p>"
    return f"<h2>{html.escape(VENDORS[fake.name].title)}</h2>{table}"


def _list(fakes: Sequence[Fake]) -> Endpoint:
    async def listed(request: Request) -> Response:
        return JSONResponse(
            [
                {"vendor": fake.name, "what": each.what, "where": each.where, "at": each.at.isoformat()}
                for fake in fakes
                for each in fake.landed[-100:]
            ]
        )

    return listed


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m cli.dev.vendors", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    uvicorn.run(
        sandbox(asked.folder), host="127.0.0.1", port=asked.port, log_level="warning", lifespan="off", ws="none", proxy_headers=False
    )


if __name__ == "__main__":
    main()
