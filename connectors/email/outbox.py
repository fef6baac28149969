"""The development outbox: mails are written into a folder, one file each, and can be read back."""

import asyncio
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from connectors.email.mail import Mail

_SAFE = re.compile(r"[^A-Za-z0-9@.-]")


@dataclass(frozen=True)
class KeptMail:
    """A mail of the outbox, read back."""

    message_id: str
    sender: str
    to: str
    subject: str
    text: str
    html: str
    at: datetime


class FolderOutbox:
    """Writes each mail as a file. Sending the same mail twice makes two files: an outbox that hid repetitions would prove nothing."""

    def __init__(self, folder: Path) -> None:
        """Use a folder; it is made with the first mail."""
        self._folder = folder

    async def send(self, mail: Mail) -> tuple[str, ...]:
        """Write the mail down. The file appears complete or not at all."""
        await asyncio.to_thread(self._write, mail)
        return ()

    async def find(self, message_id: str) -> bool:
        """Say whether a mail with this id was written."""
        return await asyncio.to_thread(lambda: any(self._folder.glob(f"*_{_name(message_id)}_*.eml")))

    async def read(self, *, limit: int = 100) -> list[KeptMail]:
        """Give the newest mails, newest first."""
        return await asyncio.to_thread(self._read, limit)

    def _write(self, mail: Mail) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = f"{mail.at:%Y%m%dT%H%M%S%f}_{_name(mail.message_id)}_{secrets.token_hex(3)}"
        unfinished = self._folder / f"{stem}.part"
        unfinished.write_bytes(mail.build().as_bytes(policy=policy.SMTP))
        unfinished.rename(self._folder / f"{stem}.eml")

    def _read(self, limit: int) -> list[KeptMail]:
        files = sorted(self._folder.glob("*.eml"), reverse=True)[:limit]
        return [_kept(message_from_bytes(file.read_bytes(), policy=policy.default)) for file in files]


def _name(message_id: str) -> str:
    return _SAFE.sub("-", message_id)


def _kept(message: EmailMessage) -> KeptMail:
    return KeptMail(
        message_id=str(message["Message-ID"]).strip("<>"),
        sender=str(message["From"]),
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=_part(message, "plain"),
        html=_part(message, "html"),
        at=parsedate_to_datetime(str(message["Date"])),
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content())
