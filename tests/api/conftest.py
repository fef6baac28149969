"""The API as it is served: uvicorn on the loopback, a worker beside it, real PostgreSQL, real Temporal."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from api.app import create_app
from cli.dev.server import free_port
from cli.dev.temporal import Temporal
from settings import Settings
from tests.database import TENANT
from worker import opened, working

JsonTree = Any
KEYS = "k1:" + "A" * 43 + "="


class Served:
    """An API and, if asked for, a worker, in a thread with an event loop of their own."""

    def __init__(self, settings: Settings, *, with_worker: bool = True) -> None:
        self.url = f"http://127.0.0.1:{settings.api_port}"
        self._settings = settings
        self._with_worker = with_worker
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="served", daemon=True)

    def __enter__(self) -> Served:
        self._thread.start()
        self._started.wait(60)
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive(), "the server did not stop"

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # handed to the test that waits
            self._failure = error
        finally:
            self._started.set()
            self._loop.close()

    async def _serve(self) -> None:
        config = uvicorn.Config(create_app(self._settings), host="127.0.0.1", port=self._settings.api_port or 0, log_level="warning")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # not the main thread
        serving = asyncio.create_task(server._serve())
        while not server.started and not serving.done():  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.01)
        async with contextlib.AsyncExitStack() as stack:
            if self._with_worker:
                client, activities = await stack.enter_async_context(opened(self._settings))
                await stack.enter_async_context(working(client, activities, self._settings))
            self._started.set()
            await self._stop.wait()
        server.should_exit = True
        await serving


class Caller:
    """An HTTP client that says what it expects."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"X-Playkeeper-Actor": "maria"}, timeout=30)

    def call(self, method: str, path: str, body: JsonTree = None, *, status: int | None = None, **particulars: Any) -> JsonTree:
        if body is not None:
            particulars["json"] = body
        answer = self.http.request(method, path, **particulars)
        if status is None:
            assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
        else:
            assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
        return answer.json() if answer.content else None

    def get(self, path: str, **particulars: Any) -> JsonTree:
        return self.call("GET", path, **particulars)

    def post(self, path: str, body: JsonTree = None, **particulars: Any) -> JsonTree:
        return self.call("POST", path, body, **particulars)

    def put(self, path: str, body: JsonTree, **particulars: Any) -> JsonTree:
        return self.call("PUT", path, body, **particulars)

    def patch(self, path: str, body: JsonTree, **particulars: Any) -> JsonTree:
        return self.call("PATCH", path, body, **particulars)

    def publish(self, source: str, *, status: int | None = None) -> JsonTree:
        return self.call("POST", "/v1/playbooks?publish=true", content=source, headers={"Content-Type": "application/yaml"}, status=status)

    def start(self, playbook: str, account: str, **body: JsonTree) -> JsonTree:
        return self.post("/v1/runs", {"playbook": playbook, "account": account, **body}, status=201)

    def run_when(self, run_id: str, holds: Callable[[JsonTree], bool], timeout_s: float = 30) -> JsonTree:
        """Give the play as soon as it is as wanted."""
        deadline = time.monotonic() + timeout_s
        while True:
            run = self.get(f"/v1/runs/{run_id}")
            if holds(run):
                return run
            assert time.monotonic() < deadline, f"the play did not come so far: {run}"
            time.sleep(0.05)

    def closed(self, run_id: str) -> JsonTree:
        return self.run_when(run_id, lambda run: run["state"] == "closed")

    def step_when(self, run_id: str, key: str, *statuses: str) -> JsonTree:
        return self.run_when(run_id, lambda run: any(step["key"] == key and step["status"] in statuses for step in run["steps"]))

    def open_item(self, run_id: str, kind: str) -> JsonTree:
        """Give the open inbox item of a play, as soon as there is one."""
        deadline = time.monotonic() + 30
        while True:
            found = self.get("/v1/tasks", params={"run": run_id, "kind": kind})["items"]
            if found:
                return found[0]
            assert time.monotonic() < deadline, f"no {kind} came: {self.get(f'/v1/runs/{run_id}')}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def own_temporal(server_folder: Path) -> Iterator[Temporal]:
    """A Temporal of the module: its queue of plays must have no worker of another test."""
    with Temporal(server_folder / f"temporal-{free_port()}") as server:
        yield server


@pytest.fixture(scope="module")
def settings(application_url: str, own_temporal: Temporal, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        tenant=TENANT,
        data_dir=tmp_path_factory.mktemp("data"),
        database_url=SecretStr(application_url),
        encryption_keys=SecretStr(KEYS),
        temporal_address=own_temporal.address,
        api_port=free_port(),
        worker_stop_grace_s=1,
    )


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[Served]:
    with Served(settings) as served:
        yield served


@pytest.fixture(scope="module")
def api(served: Served) -> Iterator[Caller]:
    """The API with the people of a small team."""
    caller = Caller(served.url)
    caller.put("/v1/people/tom", {"name": "Tom Berg", "email": "tom@example.com", "roles": ["vp_cs"]})
    caller.put("/v1/people/maria", {"name": "Maria Keller", "email": "maria@example.com", "roles": ["csm"], "manager": "tom"})
    yield caller
    caller.http.close()


@pytest.fixture
def account(api: Caller) -> str:
    """A fresh account with a champion."""
    account_id = f"A-{time.monotonic_ns()}"
    facts = {"health": {"score": 40}, "risk": {"score": 89}}
    api.put(
        f"/v1/accounts/{account_id}", {"name": "ACME", "csm": "maria", "tier": "growth", "mrr": "500", "currency": "EUR", "facts": facts}
    )
    contact = {"name": "Ada Meyer", "email": f"ada-{account_id}@example.com", "roles": ["champion"]}
    api.put(f"/v1/accounts/{account_id}/contacts/{account_id}-ada", contact)
    return account_id
