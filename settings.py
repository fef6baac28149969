"""Every setting, typed, with its unit in its name. Read only by the composition roots: `worker.py`, `api/app.py` and `cli/`.

Each is an environment variable `PLAYKEEPER_<NAME>`. docs/operations.md lists them; a test keeps that list whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What can be set from outside. Passwords and keys are `SecretStr`, so that printing settings does not show them."""

    model_config = SettingsConfigDict(env_prefix="PLAYKEEPER_", frozen=True, env_ignore_empty=True)

    data_dir: Path = Field(Path(".playkeeper"), description="Folder of everything `make run` keeps: databases, keys, logs, outbox.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least important lines that are logged.")
    log_format: Literal["text", "json"] = Field("text", description="Log lines for people or for machines.")
    tenant: str = Field("main", description="The tenant that requests and commands without one belong to.")

    database_url: SecretStr | None = Field(None, description="PostgreSQL as the application's role, which owns nothing.")
    database_owner_url: SecretStr | None = Field(None, description="PostgreSQL as the role that owns the tables; only migrations use it.")
    database_app_password: SecretStr | None = Field(
        None, description="The password `playkeeper migrate` gives the application's role `playkeeper_app`; without it that stays as it is."
    )
    database_pool_size: int = Field(10, ge=1, description="Connections a process keeps open; as many again at peaks.")
    database_connect_timeout_s: float = Field(30, gt=0, description="How long a process waits at its start for PostgreSQL.")

    temporal_address: str = Field("127.0.0.1:7233", description="Host and port of the Temporal frontend, or of Temporal Cloud.")
    temporal_namespace: str = Field("default", description="The Temporal namespace of this installation.")
    temporal_tls: bool = Field(False, description="Whether to speak TLS to Temporal; an API key or a certificate turns it on by itself.")
    temporal_tls_server_ca_path: Path | None = Field(None, description="Authority that signed Temporal's certificate, in PEM.")
    temporal_tls_client_cert_path: Path | None = Field(None, description="Our certificate for mutual TLS, in PEM.")
    temporal_tls_client_key_path: Path | None = Field(None, description="The private key of that certificate, in PEM.")
    temporal_api_key: SecretStr | None = Field(None, description="API key of Temporal Cloud.")
    temporal_connect_timeout_s: float = Field(30, gt=0, description="How long a process waits at its start for Temporal.")
    temporal_sealed: bool = Field(
        True,
        description="Whether what plays hand to Temporal is compressed and encrypted; `make run` turns it off to be readable in the UI.",
    )
    temporal_ui_url: str = Field("http://127.0.0.1:8233", description="Where people open the Temporal UI; links to runs begin with it.")

    encryption_keys: SecretStr | None = Field(
        None, description="Keys of sealed fields and payloads, `id:base64,id:base64`; the first one seals, all of them open."
    )
    encryption_keys_path: Path | None = Field(None, description="A file that holds these keys instead.")

    api_host: str = Field("127.0.0.1", description="The address the API listens on.")
    api_port: int | None = Field(None, ge=1, le=65535, description="The port the API listens on; 8000, or in development a free one.")
    api_url: str | None = Field(None, description="Where the `playkeeper` command finds the API; else what `make run` wrote down.")
    public_url: str | None = Field(
        None, description="The API's address as vendors reach it, `https://plays.example.com`; some of them sign it. Else as requests say."
    )
    postgres_port: int | None = Field(None, ge=1, le=65535, description="Port of the PostgreSQL that `make run` starts; else a free one.")
    temporal_port: int | None = Field(None, ge=1, le=65535, description="Port of the Temporal that `make run` starts; 7233 or a free one.")
    temporal_ui_port: int | None = Field(None, ge=1, le=65535, description="Port of its web UI; 8233 or a free one.")

    sandbox_port: int | None = Field(
        None, ge=1, le=65535, description="Port of the vendors' stand-ins that `make run` starts; 8025 or a free one."
    )

    worker_cached_plays: int = Field(1000, ge=1, description="Live plays a worker keeps in memory, about 50 KB each.")
    worker_queues: str = Field(
        "plays,scoring",
        pattern=r"^(plays|scoring)(,(plays|scoring))?$",
        description="What a worker works at. Give scoring a process of its own where there are many accounts: it computes for minutes.",
    )
    worker_stop_grace_s: float = Field(10, ge=0, description="How long a worker that is told to stop lets actions finish.")
    http_request_timeout_s: float = Field(20, gt=0, description="How long `http.request` waits for an answer.")
    http_allowed_hosts: str = Field("", description="Hosts `http.request` may call, `api.a.com,*.b.com`; empty allows every public host.")
    http_private_hosts: str = Field("", description="Hosts, `name` or `name:port`, it may call although their addresses are not public.")

    vendor_sandbox_url: str | None = Field(
        None, description="Where stand-ins for all vendors listen; calls go there instead of to Stripe and the others. For trying out."
    )

    trigger_look_interval_s: float = Field(
        600, gt=0, description="Seconds between two looks for triggers that time alone makes fire: dates, `today`, `unchanged`."
    )
    sync_interval_min: int = Field(60, ge=0, description="Minutes between two syncs of a connected vendor; 0 syncs only when asked.")

    email_from: str = Field("playkeeper@localhost", description="Sender of e-mails whose step names none.")
    smtp_host: str | None = Field(None, description="Mail server; without one e-mails go to the development outbox.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field("starttls", description="How the connection to the mail server is secured.")
    smtp_user: str | None = Field(None, description="Name to log in to the mail server with.")
    smtp_password: SecretStr | None = Field(None, description="Password to log in to the mail server with.")
    smtp_timeout_s: float = Field(20, gt=0, description="How long to wait for the mail server.")
    outbox_dir: Path | None = Field(None, description="Folder of e-mails not sent but written down; else `outbox` in the data folder.")

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> Self:
        if (self.temporal_tls_client_cert_path is None) != (self.temporal_tls_client_key_path is None):
            raise ValueError("set both PLAYKEEPER_TEMPORAL_TLS_CLIENT_CERT_PATH and PLAYKEEPER_TEMPORAL_TLS_CLIENT_KEY_PATH, or neither")
        return self

    @model_validator(mode="after")
    def _keys_are_given_once(self) -> Self:
        if self.encryption_keys is not None and self.encryption_keys_path is not None:
            raise ValueError("set PLAYKEEPER_ENCRYPTION_KEYS or PLAYKEEPER_ENCRYPTION_KEYS_PATH, not both")
        return self

    def require_database_url(self) -> str:
        """The application's database.

        Raises:
            SettingMissing: it is not set.
        """
        return _required(self.database_url, "PLAYKEEPER_DATABASE_URL", "the PostgreSQL address of the application's role")

    def require_database_owner_url(self) -> str:
        """The database as its owner.

        Raises:
            SettingMissing: it is not set.
        """
        return _required(self.database_owner_url, "PLAYKEEPER_DATABASE_OWNER_URL", "the PostgreSQL address of the tables' owner")

    def require_encryption_keys(self) -> str:
        """The key ring as text.

        Raises:
            SettingMissing: neither the keys nor a readable file of them is set.
        """
        if self.encryption_keys_path is not None:
            try:
                return self.encryption_keys_path.read_text().strip()
            except OSError as error:
                raise SettingMissing(f"PLAYKEEPER_ENCRYPTION_KEYS_PATH cannot be read: {error}") from error
        return _required(self.encryption_keys, "PLAYKEEPER_ENCRYPTION_KEYS", "the keys of sealed fields; `playkeeper new-key` makes one")

    def queues(self) -> tuple[str, ...]:
        """What the worker works at, each queue once."""
        return tuple(dict.fromkeys(self.worker_queues.split(",")))

    @property
    def outbox_folder(self) -> Path:
        """Where e-mails go when there is no mail server."""
        return self.outbox_dir or self.data_dir / "outbox"


class SettingMissing(Exception):
    """A process cannot start without a setting; the message names the variable."""


class SettingInvalid(Exception):
    """Settings that cannot be used; the message names each variable and never repeats a secret."""


def read_settings() -> Settings:
    """Read the environment.

    Raises:
        SettingInvalid: see there.
    """
    try:
        return Settings()
    except ValidationError as error:
        prefix = Settings.model_config["env_prefix"]
        wrong = [f"{prefix}{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()]
        raise SettingInvalid("; ".join(line.removeprefix(f"{prefix}: ") for line in wrong)) from None


def _required(value: SecretStr | None, variable: str, what: str) -> str:
    if value is None:
        raise SettingMissing(f"set {variable}: {what}")
    return value.get_secret_value()
