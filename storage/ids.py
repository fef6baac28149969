"""Ids made in Python: PostgreSQL 15 has no function for ones that grow with time."""

import os
import time
import uuid


def new_id() -> str:
    """Make a UUID of version 7: later ones sort after earlier ones, so new rows go to the end of an index."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    version_and_variant = (random & ~(0xF << 76) & ~(0x3 << 62)) | (0x7 << 76) | (0x2 << 62)
    return str(uuid.UUID(int=(milliseconds << 80) | version_and_variant))
