from __future__ import annotations

from tests.api.conftest import account, api, own_temporal, served, settings

__all__ = ["account", "api", "own_temporal", "served", "settings"]
