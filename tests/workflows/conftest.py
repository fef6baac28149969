from __future__ import annotations

import uuid

import pytest
import pytest_asyncio
from temporalio.client import Client

from workflows.client import Address, connect


@pytest_asyncio.fixture
async def client(temporal_address: str) -> Client:
    """The session's Temporal as worker and API see it."""
    return await connect(Address(temporal_address), cipher=None, wait_s=10, say=lambda line: None)


@pytest.fixture
def queue() -> str:
    """A task queue of the test's own."""
    return f"plays-{uuid.uuid4().hex[:8]}"
