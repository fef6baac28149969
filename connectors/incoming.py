"""What vendors tell us by themselves: read and verified by each connector, in one form for everybody behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from connectors.vendor import Credentials


class Forged(Exception):
    """The signature is missing, wrong or too old: whoever sent this does not know the secret."""


class Malformed(Exception):
    """Signed rightly, but not in the form the vendor's events have."""


@dataclass(frozen=True)
class Delivered:
    """A request as it came. `headers` have small names; `url` is the address as the vendor knows it, which some sign."""

    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True)
class Ref:
    """An object of the vendor by which the event's account is found, such as `Ref("customer", "cus_1")`; see the table `link`."""

    kind: str
    external_id: str


@dataclass(frozen=True)
class VendorEvent:
    """Something that happened at the vendor.

    `id` is the vendor's own, unique there. `name` is in our words (`invoice.payment_failed`, `email.bounced`). `fields` is what playbooks
    read as `event.<field>`, plain JSON. The account is `account` (our own id, for who knows it), else that of the first of `refs` that is
    linked, else of what a play made (below), else of the contact with `address` (an e-mail address or phone number).

    Some names mean more than news. `email.*` and `sms.*` with `fields["message_id"]`, and `meeting.*` with `fields["meeting_id"]`, change
    the output of the step that made that message or meeting. `email.unsubscribed`, `email.complained`, `email.bounced` with
    `fields["hard"]` true, and `sms.stopped` opt the contacts with `address` out; `sms.started` takes that back.
    """

    id: str
    name: str
    occurred_at: datetime
    fields: Mapping[str, Any] = field(default_factory=dict)
    refs: tuple[Ref, ...] = ()
    address: str | None = None
    account: str | None = None


@dataclass(frozen=True)
class Reply:
    """What a reader gives where the vendor wants to read an answer, such as a challenge it sent; without one the answer is empty."""

    body: str = ""
    media_type: str = "text/plain"
    events: Sequence[VendorEvent] = ()


class Reader(Protocol):
    """Reads what a vendor delivers."""

    def __call__(self, delivered: Delivered, credentials: Credentials) -> Sequence[VendorEvent] | Reply:
        """Verify the signature and give the events, none for kinds nobody can use.

        Raises:
            Forged, Malformed: see there.
        """
        ...
