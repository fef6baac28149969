"""Takes vendors' events in: who sent them is proved, then each is kept once. What they mean is looked at afterwards."""

import asyncio
import importlib
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from api.problems import HookNotFound, HookUnreadable, Problem, SignatureWrong
from connectors.incoming import Delivered, Forged, Malformed, Reader, Reply, VendorEvent
from connectors.registry import VENDORS
from connectors.vendor import Credentials, CredentialsMalformed, Vendor
from storage.incoming import kept
from storage.repositories.connections import open_connection
from storage.repositories.events import add_events
from storage.session import Database

log = structlog.get_logger()


@dataclass(frozen=True)
class At:
    """A hook: whose, and which vendor sends there. In a `sandbox` the stand-ins' well-known secrets are good where nothing is connected."""

    tenant: str
    vendor: str
    sandbox: bool = False


@dataclass(frozen=True)
class Taken:
    """What came in: the ids of the events that are new, and what the vendor reads as the answer."""

    new: Sequence[str]
    body: str = ""
    media_type: str = "text/plain"


async def take_in(database: Database, at: At, delivered: Delivered) -> Taken:
    """Read what a vendor delivered and keep its events.

    Raises:
        HookNotFound: the vendor is unknown, sends nothing, or is not connected; which of these is not said to strangers.
        SignatureWrong, HookUnreadable: see there. Nothing was kept.
    """
    vendor = VENDORS.get(at.vendor)
    if vendor is None or vendor.reader is None:
        raise HookNotFound
    credentials = await _credentials(database, at, vendor)
    # In a thread, because the first event imports an SDK, and checking signatures of large bodies takes a while.
    read = await asyncio.to_thread(_read, vendor, delivered, credentials)
    reply = read if isinstance(read, Reply) else Reply(events=read)
    if not reply.events:
        return Taken((), reply.body, reply.media_type)
    async with database.begin(at.tenant) as session:
        new = await add_events(session, vendor.name, [kept(event) for event in reply.events])
    log.info("events taken in", vendor=vendor.name, events=len(reply.events), new=len(new))
    return Taken(new, reply.body, reply.media_type)


async def _credentials(database: Database, at: At, vendor: Vendor[Any]) -> Credentials:
    async with database.begin(at.tenant) as session:
        found = await open_connection(session, vendor.name)
    if found is None and not at.sandbox:
        raise HookNotFound
    given = found.credentials if found else dict(vendor.sandbox)
    try:
        return vendor.read_credentials(given)
    except CredentialsMalformed:
        log.warning("credentials of another form; save them again", vendor=vendor.name)
        raise HookNotFound from None


def _read(vendor: Vendor[Any], delivered: Delivered, credentials: Credentials) -> Sequence[VendorEvent] | Reply:
    try:
        return reader_of(vendor)(delivered, credentials)
    except Forged as error:
        log.warning("event refused: its signature is not right", vendor=vendor.name)
        raise SignatureWrong from error
    except Malformed as error:
        log.warning("event refused: it cannot be read", vendor=vendor.name)
        raise HookUnreadable(_sentence(str(error))) from error
    except RecursionError:
        log.warning("event refused: it is nested too deeply", vendor=vendor.name)
        raise HookUnreadable(_sentence("the body is nested too deeply")) from None
    except Exception as error:  # a reader met what its author did not think of; what it says may hold what was sent
        last = traceback.extract_tb(error.__traceback__)[-1]
        log.warning("event lost on a reader", vendor=vendor.name, error=type(error).__name__, function=last.name, line=last.lineno)
        raise Problem from None


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}. Nothing was kept."


def reader_of(vendor: Vendor[Any]) -> Reader:
    """Import a vendor's reader."""
    module, _, function = (vendor.reader or "").partition(":")
    reader: Reader = getattr(importlib.import_module(module), function)
    return reader
