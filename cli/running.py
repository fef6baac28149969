"""Where the commands find what `make run` started."""

from __future__ import annotations

import json
from pathlib import Path

from settings import Settings

RUNNING_FILE = "running.json"
_USUAL_API_URL = "http://127.0.0.1:8000"


def api_url(settings: Settings) -> str:
    """Where the API is: as set, else as `make run` in this folder wrote down, else the usual place."""
    return settings.api_url or read_running(settings.data_dir).get("api_url", _USUAL_API_URL)


def read_running(folder: Path) -> dict[str, str]:
    """Give the addresses of what runs from this data folder (`api_url`, `temporal_ui_url`, `sandbox_url`, …); nothing when nothing does."""
    try:
        addresses: dict[str, str] = json.loads((folder / RUNNING_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return addresses
