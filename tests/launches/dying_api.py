"""An API that dies, as by a kill, when it has told the third play of a bulk command; settings come by the environment."""

from __future__ import annotations

import os
from datetime import timedelta

import uvicorn

from api.app import create_app
from api.services import bulk
from settings import Settings
from storage.repositories import bulk as rows

ALIVE_FOR = 3
_told = 0


async def settle_and_die(*_: object, **__: object) -> None:
    """Die between telling the third play and writing that down: the worst moment there is."""
    global _told  # the process ends with it
    _told += 1
    if _told >= ALIVE_FOR:
        os._exit(9)
    await _settle(*_, **__)  # type: ignore[arg-type]  # handed on as it came


_settle = rows.settle_run


def main() -> None:
    setattr(bulk, "settle_run", settle_and_die)  # noqa: B010  # the module does not export it
    # Others may go on soon after; a real lease is a minute.
    rows.LEASE = timedelta(seconds=3)  # type: ignore[misc]  # the test cannot wait so long
    settings = Settings()
    uvicorn.run(create_app(settings), host="127.0.0.1", port=settings.api_port or 0, log_level="warning")


if __name__ == "__main__":
    main()
