"""The connection to Temporal that worker, API and relay share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

from pydantic import SecretStr
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from workflows.codec import Cipher, data_converter

_PAUSE_S: Final = 1.0
_FINAL: Final = frozenset({RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.NOT_FOUND})


class TemporalAway(Exception):
    """Temporal could not be reached, or it does not let us in; the message is one sentence for the operator."""


class ConnectionSettings(Protocol):
    """The part of the settings that says where Temporal is; the composition roots hand theirs in."""

    @property
    def temporal_address(self) -> str: ...  # noqa: D102  # settings.py describes them
    @property
    def temporal_namespace(self) -> str: ...  # noqa: D102  # settings.py describes it
    @property
    def temporal_tls(self) -> bool: ...  # noqa: D102  # settings.py describes it
    @property
    def temporal_tls_server_ca_path(self) -> Path | None: ...  # noqa: D102  # settings.py describes it
    @property
    def temporal_tls_client_cert_path(self) -> Path | None: ...  # noqa: D102  # settings.py describes it
    @property
    def temporal_tls_client_key_path(self) -> Path | None: ...  # noqa: D102  # settings.py describes it
    @property
    def temporal_api_key(self) -> SecretStr | None: ...  # noqa: D102  # settings.py describes it


@dataclass(frozen=True)
class Address:
    """Where Temporal is and how to be let in. `tls` True means TLS with the system's authorities."""

    host: str
    namespace: str = "default"
    api_key: str | None = None
    tls: TLSConfig | bool = False

    @classmethod
    def of(cls, settings: ConnectionSettings) -> Self:
        """Read the settings and the certificates they name.

        Raises:
            TemporalAway: a certificate cannot be read.
        """
        paths = (settings.temporal_tls_server_ca_path, settings.temporal_tls_client_cert_path, settings.temporal_tls_client_key_path)
        try:
            authority, certificate, key = (path.read_bytes() if path else None for path in paths)
        except OSError as error:
            raise TemporalAway(f"a certificate for Temporal cannot be read: {error}") from None
        tls: TLSConfig | bool = settings.temporal_tls or settings.temporal_api_key is not None
        if authority or certificate:
            tls = TLSConfig(server_root_ca_cert=authority, client_cert=certificate, client_private_key=key)
        api_key = settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None
        return cls(settings.temporal_address, settings.temporal_namespace, api_key, tls)


async def connect(address: Address, *, cipher: Cipher | None, wait_s: float, say: Callable[[str], None]) -> Client:
    """Connect, waiting for a server that is not there yet; `say` gets one line when there is something to wait for.

    Raises:
        TemporalAway: it did not come within `wait_s`, or it refuses us.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    waiting = False
    while True:
        try:
            return await _connect_once(address, cipher)
        except (RuntimeError, RPCError) as error:
            if isinstance(error, RPCError) and error.status in _FINAL:
                raise TemporalAway(f'Temporal at {address.host} refuses namespace "{address.namespace}": {error.message}') from None
            if loop.time() >= deadline:
                raise TemporalAway(f"Temporal at {address.host} did not answer within {wait_s:.0f} s") from None
        if not waiting:
            waiting = True
            say(f"waiting for Temporal at {address.host}, up to {wait_s:.0f} s")
        await asyncio.sleep(_PAUSE_S)


async def _connect_once(address: Address, cipher: Cipher | None) -> Client:
    client = await Client.connect(
        address.host, namespace=address.namespace, api_key=address.api_key, tls=address.tls, data_converter=data_converter(cipher)
    )
    # A connection says nothing of the namespace; the first poll would fail with a stack trace.
    await client.count_workflows("WorkflowId = 'none'")
    return client
