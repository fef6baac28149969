"""How values travel to Temporal and back: JSON by pydantic, and in production compressed and sealed.

With a cipher nothing of a play can be read on the Temporal server: inputs, facts, results, summaries and error messages are sealed.
Only names stay readable: playbook, actions, ids in search attributes, step keys of event groups. Without one, in development, the
history is readable in the UI; what `storage` keeps sealed is no part of facts or results and so is not in it either way.
"""

import dataclasses
import zlib
from collections.abc import Sequence
from typing import Final, Protocol

from pydantic import BaseModel
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    PayloadCodec,
)

_ENCODING: Final = b"binary/playkeeper"
_PLAIN: Final = b"\0"
_DEFLATED: Final = b"\1"
# Below this size deflating gains nothing; level 1 is four times as fast as the default and 10 % larger.
_DEFLATE_FROM_BYTES: Final = 400
_DEFLATE_LEVEL: Final = 1


class ContractJson(PydanticJSONPlainPayloadConverter):
    """Models without their defaults, as the compiler writes plans, and read without building an adapter for every run."""

    def to_payload(self, value: object) -> Payload | None:
        """Write a value."""
        if not isinstance(value, BaseModel):
            return super().to_payload(value)
        data = value.__pydantic_serializer__.to_json(value, exclude_defaults=True, by_alias=True)
        return Payload(metadata={"encoding": b"json/plain"}, data=data)

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> object:
        """Read a value."""
        if isinstance(type_hint, type) and issubclass(type_hint, BaseModel):
            return type_hint.__pydantic_validator__.validate_json(payload.data)
        return super().from_payload(payload, type_hint)


# One for the process: the SDK makes a payload converter for every run, and this one keeps its adapters.
_CONTRACT_JSON: Final = ContractJson()


class ContractPayloads(CompositePayloadConverter):
    """The SDK's converters with JSON replaced by ours."""

    def __init__(self) -> None:
        usual = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(_CONTRACT_JSON if isinstance(one, JSONPlainPayloadConverter) else one for one in usual))


class Cipher(Protocol):
    """Seals bytes and opens them again."""

    def seal(self, value: bytes) -> bytes:
        """Encrypt and authenticate."""
        ...

    def open(self, sealed: bytes) -> bytes:
        """Decrypt what `seal` gave, also under an older key of the ring."""
        ...


class SealedPayloads(PayloadCodec):
    """Deflates and seals each payload whole, its metadata included. Payloads that are not sealed pass as they are."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal payloads."""
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open payloads."""
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        content = payload.SerializeToString()
        packed = _PLAIN + content if len(content) < _DEFLATE_FROM_BYTES else _DEFLATED + zlib.compress(content, _DEFLATE_LEVEL)
        return Payload(metadata={"encoding": _ENCODING}, data=self._cipher.seal(packed))

    def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _ENCODING:
            return payload
        packed = self._cipher.open(payload.data)
        content = packed[1:] if packed[:1] == _PLAIN else zlib.decompress(packed[1:])
        return Payload.FromString(content)


def data_converter(cipher: Cipher | None = None) -> DataConverter:
    """Give the converter that worker and clients must share."""
    readable = DataConverter(payload_converter_class=ContractPayloads)
    if cipher is None:
        return readable
    return dataclasses.replace(
        readable, payload_codec=SealedPayloads(cipher), failure_converter_class=DefaultFailureConverterWithEncodedAttributes
    )
