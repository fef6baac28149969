from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.api.conftest import Caller, JsonTree, api, own_temporal, served, settings

__all__ = ["api", "own_temporal", "served", "settings"]


class Book:
    """Accounts of a test, and what it waits for."""

    def __init__(self, api: Caller) -> None:
        self.api = api
        self._stem = f"L{time.monotonic_ns()}"

    def accounts(self, count: int, **fields: JsonTree) -> list[str]:
        ids = [f"{self._stem}-{number:03}" for number in range(count)]
        for account in ids:
            self.api.put(f"/v1/accounts/{account}", {"name": account, "csm": "maria", "tier": "growth", "stage": "new", **fields})
        return ids

    def launch_when(self, launch: str, holds: Callable[[JsonTree], bool], timeout_s: float = 40) -> JsonTree:
        deadline = time.monotonic() + timeout_s
        while True:
            found = self.api.get(f"/v1/launches/{launch}")
            if holds(found):
                return found
            assert time.monotonic() < deadline, f"the launch did not come so far: {found}"
            time.sleep(0.1)

    def job_done(self, job: str, timeout_s: float = 60) -> JsonTree:
        deadline = time.monotonic() + timeout_s
        while True:
            found = self.api.get(f"/v1/bulk/{job}")
            if found["status"] == "done":
                return found
            assert time.monotonic() < deadline, f"the command did not come so far: {found}"
            time.sleep(0.1)


@pytest.fixture
def book(api: Caller) -> Book:
    return Book(api)
