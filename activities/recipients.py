"""Who a message goes to: `champion`, `all(champion)`, an address, a contact, or a list of these tried in order. Opt-outs always win."""

import re
from dataclasses import dataclass

from activities.contracts import JsonTree
from activities.failures import BadInput
from storage.repositories.accounts import KnownContact, list_contacts_by_account, list_contacts_by_email
from storage.session import Session

_ALL = re.compile(r"all\(\s*([^()]+?)\s*\)")
_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")


@dataclass(frozen=True)
class Recipient:
    """Somebody who may be written to."""

    address: str
    name: str = ""
    contact: str | None = None


@dataclass(frozen=True)
class Found:
    """The recipients, or for each entry that was tried why there is nobody."""

    recipients: tuple[Recipient, ...]
    why_nobody: str = ""


async def resolve_recipients(session: Session, account: str, spec: JsonTree, *, channel: str) -> Found:
    """Give the recipients of the first entry that has any who may be written to.

    Raises:
        BadInput: an entry is neither a role, an address nor a contact.
    """
    contacts = await list_contacts_by_account(session, account)
    tried: list[str] = []
    for entry in spec if isinstance(spec, list) else [spec]:
        found, why = await _resolve(session, contacts, entry, channel)
        if found:
            return Found(found)
        tried.append(why)
    return Found((), "; ".join(tried) or "no recipient was named")


async def _resolve(session: Session, contacts: list[KnownContact], entry: JsonTree, channel: str) -> tuple[tuple[Recipient, ...], str]:
    if isinstance(entry, dict):
        entry = entry.get("email") or ""
        if not entry:
            return (), "the contact has no e-mail address"
    if not isinstance(entry, str) or not entry.strip():
        raise BadInput(f"{entry!r} is no recipient: write a role such as champion, all(champion), an address or a contact")
    entry = entry.strip()
    if "@" in entry:
        return await _address(session, entry, channel)
    every = _ALL.fullmatch(entry)
    role = every[1] if every else entry
    having = [contact for contact in contacts if role in contact.roles]
    willing = [contact for contact in having if may_write(contact, channel)]
    if not willing:
        return (), _why_none(role, having)
    chosen = willing if every else willing[:1]
    return tuple(Recipient(str(contact.email), contact.name, contact.id) for contact in chosen), ""


async def _address(session: Session, address: str, channel: str) -> tuple[tuple[Recipient, ...], str]:
    if not _ADDRESS.fullmatch(address):
        raise BadInput(f'"{address}" is not an e-mail address')
    known = await list_contacts_by_email(session, [address])
    unwilling = [contact.name for contact in known if not may_write(contact, channel)]
    if unwilling:
        # By name: why nobody was written to is shown and logged, and addresses are in neither.
        return (), f"{unwilling[0]} opted out"
    return (Recipient(address, known[0].name if known else "", known[0].id if known else None),), ""


def may_write(contact: KnownContact, channel: str) -> bool:
    """Say whether a contact can be reached and did not opt out."""
    return bool(contact.email) and not {channel, "all"} & set(contact.opt_outs)


def _why_none(role: str, having: list[KnownContact]) -> str:
    if not having:
        return f'the account has no contact with the role "{role}"'
    return f'every contact with the role "{role}" opted out or has no e-mail address'
