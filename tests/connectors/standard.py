"""What the standard suite needs to know of a connector: each vendor has a module in `subjects/` with a `SUBJECT`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import SecretStr

from connectors.sandbox.fake import Fake
from connectors.vendor import Vendor
from storage.session import Session
from tests.connectors import subjects

CANARY = "-canary-4f9c1e7b2d"
Client: TypeAlias = Any
"""The client of whichever vendor it is."""


@dataclass(frozen=True)
class Subject:
    """A connector under the standard suite.

    `fake` makes the stand-in with what the calls need in it. `read` is a call that changes nothing. `link` notes in our tables what the
    action needs of the account. `action` and `inputs` are an effect, at an address with `effect_path` in it, and `count` tells how
    often the stand-in had it and has not taken it back. `sign_ins` is how often in a row the vendor must refuse us: a client that renews
    its access token asks again. `connect`: the action goes another way for tenants that are not connected.
    `canary` are credentials whose every secret can be recognised; without them those of the sandbox get one at their end. `admit` has a
    stand-in let them in that takes only the sandbox's. `never_sent` are secrets that stay here: what is sent is signed with them.
    `writes` is false for a vendor that is only read: the standard suite then wants no trace of any call.
    """

    vendor: Vendor[Any]
    fake: Callable[[], Fake]
    read: Callable[[Client], Awaitable[object]]
    action: str
    inputs: dict[str, Any]
    count: Callable[[Any], int]
    link: Callable[[Session, str], Awaitable[None]]
    wrong_credentials: dict[str, str]
    reversible: bool = True
    effect_path: str = ""
    sign_ins: int = 1
    connect: bool = False
    writes: bool = True
    canary: tuple[Mapping[str, str], ...] = ()
    admit: Callable[[Any, Mapping[str, str]], None] = lambda fake, given: None
    never_sent: frozenset[str] = frozenset()

    def canaries(self) -> tuple[dict[str, str], ...]:
        """Credentials in the form the vendor's have, with a canary in each of their secrets."""
        secret = self.vendor.read_credentials(dict(self.vendor.sandbox))
        marked = {
            name: value + CANARY if isinstance(getattr(secret, name), SecretStr) else value for name, value in self.vendor.sandbox.items()
        }
        return tuple(dict(each) for each in self.canary) or (marked,)


def all_subjects() -> list[Subject]:
    """Every subject, by module name."""
    names = sorted(module.name for module in pkgutil.iter_modules(subjects.__path__))
    return [importlib.import_module(f"{subjects.__name__}.{name}").SUBJECT for name in names]
