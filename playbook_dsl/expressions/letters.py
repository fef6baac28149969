"""Small and capital letters, one letter for one letter, so that memory and every PostgreSQL agree whatever its collation.

Covers Latin, Greek and Cyrillic. A letter whose other case is several letters (ß, ŉ) stays as it is.
"""

from typing import Final

_END: Final = 0x0530

_PAIRS: Final = tuple(
    (chr(code), chr(code).lower())
    for code in range(_END)
    if len(chr(code).lower()) == 1 and chr(code).lower() != chr(code) and chr(code).lower().upper() == chr(code) and ord(chr(code).lower()) < _END
)
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
