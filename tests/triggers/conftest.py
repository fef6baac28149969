from __future__ import annotations

import pytest
from pydantic import SecretStr

from cli.dev.server import free_port
from cli.dev.temporal import Temporal
from settings import Settings
from tests.api.conftest import KEYS, account, api, own_temporal, served
from tests.database import TENANT

__all__ = ["account", "api", "own_temporal", "served"]


@pytest.fixture(scope="module")
def settings(application_url: str, own_temporal: Temporal, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The clock is looked at all the time, so that no test waits ten minutes."""
    return Settings(
        tenant=TENANT,
        data_dir=tmp_path_factory.mktemp("data"),
        database_url=SecretStr(application_url),
        encryption_keys=SecretStr(KEYS),
        temporal_address=own_temporal.address,
        api_port=free_port(),
        worker_stop_grace_s=1,
        trigger_look_interval_s=0.5,
    )
