"""Jobs of scoring, waited for."""

from __future__ import annotations

import time

from cli.client import Api, JsonTree

_PAUSE_S = 1.0


def wait_for(api: Api, started: JsonTree) -> JsonTree:
    """Give a job once it has ended, in whatever way."""
    while True:
        job = api.get(f"/v1/scoring/jobs/{started['workflow_id']}")
        if job["status"] != "running":
            return job
        time.sleep(_PAUSE_S)
