"""The mappings that come with the connectors: what becomes of a vendor's records when a team says nothing."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).resolve().parent


def shipped_mapping(vendor: str) -> str | None:
    """Give the mapping that lies beside a connector, None when there is none."""
    file = _FOLDER / vendor / "mapping.yaml"
    return file.read_text(encoding="utf-8") if file.is_file() else None
