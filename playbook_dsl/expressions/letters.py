"""Small and capital letters, one letter for one letter, so that memory and every PostgreSQL agree whatever its collation.

Covers Latin, Greek and Cyrillic. A letter whose other case is several letters (ß, ŉ) stays as it is.
"""

from typing import Final

_END: Final = 0x0530


def _small(capital: str) -> str | None:
    small = capital.lower()
    return small if small != capital and len(small) == 1 and small.upper() == capital and ord(small) < _END else None


_PAIRS: Final = tuple((chr(code), small) for code in range(_END) if (small := _small(chr(code))) is not None)
CAPITALS: Final = "".join(capital for capital, _ in _PAIRS)
SMALL: Final = "".join(small for _, small in _PAIRS)
_TO_LOWER: Final = str.maketrans(CAPITALS, SMALL)
_TO_UPPER: Final = str.maketrans(SMALL, CAPITALS)


def to_lower(text: str) -> str:
    """Give `text` in small letters."""
    return text.lower() if text.isascii() else text.translate(_TO_LOWER)


def to_upper(text: str) -> str:
    """Give `text` in capitals."""
    return text.upper() if text.isascii() else text.translate(_TO_UPPER)
