"""Who is left alone so that the effect of a playbook can be measured."""

import hashlib
from typing import Final

TREATED: Final = "treated"
CONTROL: Final = "control"
_WHOLE: Final = 2**64


def arm_of(tenant: str, playbook: str, account: str, stratum: str, share: float) -> str:
    """Give the arm of an account: the same for the same names, whoever asks and whenever.

    Args:
        tenant: part of what is hashed, so that tenants are independent.
        playbook: part of what is hashed, so that not always the same accounts are left alone.
        account: the account's id.
        stratum: the values of `stratify`, joined. Within a stratum the shares are drawn independently of the others.
        share: of those left alone, 0 to 1.

    Returns:
        `control` for `share` of all accounts, `treated` for the others.
    """
    return CONTROL if position(tenant, playbook, account, stratum) < share else TREATED


def position(tenant: str, playbook: str, account: str, stratum: str) -> float:
    """Give where an account lies, evenly spread from 0 (included) to 1 (excluded)."""
    text = "\x1f".join((tenant, playbook, stratum, account))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / _WHOLE
