"""In a module of its own, because how far a vendor was read, and what is queued, outlives a test."""

from __future__ import annotations

import pytest

from tests.api.conftest import Caller
from tests.api.test_syncs import MAPPING, PATH, settings, stripe, synced

__all__ = ["settings", "stripe"]  # the fixtures of this module, too
pytestmark = pytest.mark.servers


def test_a_vendor_that_is_connected_anew_is_read_from_the_beginning(api: Caller) -> None:
    def connect(key: str) -> None:
        api.put("/v1/connectors/stripe", {"credentials": {"api_key": key}})

    def read() -> int:
        count: int = synced(api)["counts"]["customer"]["read"]
        return count

    api.put(PATH, {"mapping": MAPPING, "every_min": 0})
    connect("sk_test_sandbox_first")
    first, again = read(), read()
    connect("sk_test_sandbox_rotated")
    rotated = read()
    api.call("DELETE", "/v1/connectors/stripe", status=204)
    connect("sk_test_sandbox_first")
    anew = read()
    api.call("DELETE", "/v1/connectors/stripe", status=204)

    assert (first, again, rotated, anew) == (2, 0, 0, 2)
