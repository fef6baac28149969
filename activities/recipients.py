"""Who a message goes to: `champion`, `all(champion)`, an address, a contact, or a list of these tried in order. Opt-outs always win."""

import re
from dataclasses import dataclass

from activities.contracts import JsonTree
from activities.failures import BadInput
from storage.repositories.accounts import KnownContact, list_contacts_by_account, list_contacts_by_email
from storage.session import Session

_ALL = re.compile(r"all\(\s*([^()]+?)\s*\)")
_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")


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
        entry = entry.get("phone" if channel == "sms" else "email") or ""
        if not entry:
            return (), f"the contact has no {_MEANS.get(channel, _ADDRESS_WORDS)}"
    if not isinstance(entry, str) or not entry.strip():
        raise BadInput(f"{entry!r} is no recipient: write a role such as champion, all(champion), an address or a contact")
    entry = entry.strip()
    if channel == "sms" and entry.startswith("+"):
        return _number(contacts, entry)
    if "@" in entry and channel != "sms":
        return await _address(session, entry, channel)
    every = _ALL.fullmatch(entry)
    role = every[1] if every else entry
    having = [contact for contact in contacts if role in contact.roles]
    willing = [contact for contact in having if may_write(contact, channel)]
    if not willing:
        return (), _why_none(role, having, channel)
    chosen = willing if every else willing[:1]
    return tuple(Recipient(str(_reached_at(contact, channel)), contact.name, contact.id) for contact in chosen), ""


def _number(contacts: list[KnownContact], entry: str) -> tuple[tuple[Recipient, ...], str]:
    number = re.sub(r"[\s()./-]", "", entry)
    if not _NUMBER.fullmatch(number):
        raise BadInput(f'"{entry}" is no telephone number: write it with its country, such as +4930123456')
    known = next((contact for contact in contacts if _reached_at(contact, "sms") == number), None)
    if known is not None and not may_write(known, "sms"):
        return (), f"{known.name} opted out"
    return (Recipient(number, known.name if known else "", known.id if known else None),), ""


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
    return bool(_reached_at(contact, channel)) and not {channel, "all"} & set(contact.opt_outs)


def _reached_at(contact: KnownContact, channel: str) -> str | None:
    """Give the address or number; a number as Twilio and the like want it, and only when it says its country."""
    if channel != "sms":
        return contact.email
    number = re.sub(r"[\s()./-]", "", contact.phone or "")
    return number if _NUMBER.fullmatch(number) else None


_ADDRESS_WORDS = "e-mail address"
_MEANS = {"sms": "telephone number with its country (+49…)"}


def _why_none(role: str, having: list[KnownContact], channel: str) -> str:
    if not having:
        return f'the account has no contact with the role "{role}"'
    return f'every contact with the role "{role}" opted out or has no {_MEANS.get(channel, _ADDRESS_WORDS)}'
