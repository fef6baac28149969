"""Sealing of sensitive fields: AES-256-GCM with a ring of keys.

A sealed field is `PK1`, one byte with the length of the key's id, the id, a nonce of 12 bytes, and ciphertext with its tag. What is
authenticated besides is where the field belongs (tenant, table, column, row), so that a value copied to another row does not open.
"""

import base64
import binascii
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from playbook_dsl.values import Json

_MAGIC = b"PK1"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_DIGEST_PURPOSE = b"playkeeper: digests to look fields up by"


class SealBroken(Exception):
    """A sealed field that cannot be opened: damaged, moved from another row, or sealed with a key that is not in the ring."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed field belongs. `row` is the row's key without the tenant."""

    tenant: str
    table: str
    column: str
    row: str

    def authenticated(self) -> bytes:
        """Give the bytes that are authenticated with the field; parts are length-marked, so that none can pass for another."""
        return json.dumps([self.tenant, self.table, self.column, self.row]).encode()


class KeyRing:
    """The keys by id. New fields are sealed with the `current` one; older ones still open."""

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        """Check the keys.

        Raises:
            ValueError: a key has not 32 bytes, an id is empty, too long or not ASCII, or there is no key `current`.
        """
        for key_id, key in keys.items():
            if len(key) != _KEY_BYTES:
                raise ValueError(f'encryption key "{key_id}" has {len(key)} bytes; AES-256 needs {_KEY_BYTES}')
            if not key_id.isascii() or not 0 < len(key_id) < 256:
                raise ValueError("the id of an encryption key is 1 to 255 ASCII characters")
        if current not in keys:
            raise ValueError(f'there is no encryption key "{current}" in the ring')
        self._keys = {key_id: AESGCM(key) for key_id, key in keys.items()}
        # A key of its own for each use: none that encrypts is used to authenticate as well.
        self._digest_keys = {key_id: hmac.digest(key, _DIGEST_PURPOSE, "sha256") for key_id, key in keys.items()}
        self.current = current

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """Read `id:base64,id:base64`; the first key is the current one.

        Raises:
            ValueError: the text has another form. The message does not repeat the keys.
        """
        keys: dict[str, bytes] = {}
        for part in text.split(","):
            key_id, colon, encoded = part.strip().partition(":")
            if key_id in keys:
                raise ValueError(f'the encryption key "{key_id}" is there twice')
            try:
                keys[key_id] = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                raise ValueError(f'encryption key "{key_id if colon else "?"}" is not base64; write id:base64,id:base64') from None
        return cls(keys, current=next(iter(keys)))

    @staticmethod
    def new_key() -> str:
        """Make a random key in base64."""
        return base64.b64encode(AESGCM.generate_key(bit_length=256)).decode()

    def seal(self, place: Place, value: bytes) -> bytes:
        """Encrypt a field with the current key."""
        nonce = os.urandom(_NONCE_BYTES)
        key_id = self.current.encode()
        return _MAGIC + bytes([len(key_id)]) + key_id + nonce + self._keys[self.current].encrypt(nonce, value, place.authenticated())

    def open(self, place: Place, sealed: bytes) -> bytes:
        """Decrypt a field.

        Raises:
            SealBroken: see there.
        """
        key_id, rest = _split(sealed)
        key = self._keys.get(key_id)
        if key is None:
            raise SealBroken(f'a field of table "{place.table}" is sealed with key "{key_id}", which is not in the ring')
        try:
            return key.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], place.authenticated())
        except InvalidTag:
            raise SealBroken(f'{place.table}.{place.column} of row "{place.row}" is damaged or belongs to another row') from None

    def is_current(self, sealed: bytes) -> bool:
        """Say whether the field is sealed with the current key."""
        return _split(sealed)[0] == self.current

    def digest(self, place: Place, text: str) -> str:
        """Give what a sealed text is looked up by: equal for equal texts of a column, and of no use to who has not the key."""
        return _digest(self._digest_keys[self.current], place, text)

    def digests(self, place: Place, text: str) -> list[str]:
        """Give the digests of a text by every key of the ring: rows that were not sealed anew yet are found too."""
        return [_digest(key, place, text) for key in self._digest_keys.values()]

    def seal_json(self, place: Place, value: Json) -> bytes:
        """Encrypt a JSON tree."""
        return self.seal(place, json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())

    def open_json(self, place: Place, sealed: bytes | None) -> Json:
        """Decrypt a JSON tree; nothing stored is None."""
        opened: Json = None if sealed is None else json.loads(self.open(place, sealed))
        return opened


@dataclass(frozen=True, slots=True)
class BoundKeys:
    """The ring for values that all belong to one place, such as what plays hand to Temporal."""

    keys: KeyRing
    place: Place

    def seal(self, value: bytes) -> bytes:
        """Encrypt with the current key."""
        return self.keys.seal(self.place, value)

    def open(self, sealed: bytes) -> bytes:
        """Decrypt.

        Raises:
            SealBroken: see there.
        """
        return self.keys.open(self.place, sealed)


PAYLOADS = Place(tenant="", table="temporal", column="payload", row="")
"""Where the payloads of plays belong: API and worker must agree on it."""


def _digest(key: bytes, place: Place, text: str) -> str:
    return hmac.digest(key, place.authenticated() + b"\0" + text.encode(), "sha256").hex()


def _split(sealed: bytes) -> tuple[str, bytes]:
    if sealed[:3] != _MAGIC or len(sealed) < 4 or len(sealed) < 4 + sealed[3] + _NONCE_BYTES:
        raise SealBroken("a stored field does not have the form of a sealed one")
    end = 4 + sealed[3]
    return sealed[4:end].decode("ascii", errors="replace"), sealed[end:]
