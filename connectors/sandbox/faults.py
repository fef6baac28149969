"""Troubles a sandbox can be told to have, so that tests see a vendor at its worst."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """One trouble with one request.

    `kind`: `status` answers with a status (and headers and body) instead of doing anything; `silence` never answers; `garbage` answers 200
    with something that is not what was asked for; `lost` does what was asked and drops the connection instead of answering.
    `path` and `method` limit it to requests whose path holds that text and that have this method.
    """

    kind: Literal["status", "silence", "garbage", "lost"]
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "the sandbox was told to fail"}}'
    path: str = ""
    method: str = ""
