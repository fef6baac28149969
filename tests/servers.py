"""The real servers the tests run against: started with the first test that asks, one of each a test process, stopped at its end.

Under pytest-xdist every worker has its own: they start in half a second, and tests of two workers cannot disturb each other.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.dev.postgres import Postgres
from cli.dev.temporal import Temporal

# Nobody needs the tests' data after a power cut. A killed server still loses nothing: the kernel has what was written.
_FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder the servers can reach when the tests run as root and PostgreSQL as nobody; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="playkeeper-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(server_folder: Path) -> Iterator[Postgres]:
    """The session's PostgreSQL. A test that stops or kills servers starts its own instead."""
    with Postgres(server_folder / "postgres", settings=_FAST) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """The superuser's address of the session's PostgreSQL, `postgresql://…/postgres`. Make a database of your own there."""
    return postgres.url()


@pytest.fixture(scope="session")
def temporal_server(server_folder: Path) -> Iterator[Temporal]:
    """The session's Temporal. A test that stops or kills servers starts its own instead."""
    # PLAYKEEPER_TEST_UI=1 is for looking at the runs of a test that hangs.
    with Temporal(server_folder / "temporal", with_ui="PLAYKEEPER_TEST_UI" in os.environ) as server:
        yield server


@pytest.fixture(scope="session")
def temporal_address(temporal_server: Temporal) -> str:
    """Where the session's Temporal listens; namespace `default`. Use task queues and workflow ids of your own."""
    return temporal_server.address
