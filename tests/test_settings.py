from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from temporalio.service import TLSConfig

from settings import SettingInvalid, SettingMissing, Settings, read_settings
from workflows.client import Address, TemporalAway


def test_an_api_key_means_tls() -> None:
    address = Address.of(
        Settings(temporal_api_key=SecretStr("key"), temporal_address="play.tmprl.cloud:7233", temporal_namespace="play.a1")
    )

    assert (address.host, address.namespace, address.api_key, address.tls) == ("play.tmprl.cloud:7233", "play.a1", "key", True)


def test_certificate_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "cert").write_bytes(b"certificate")
    (tmp_path / "key").write_bytes(b"private")

    tls = Address.of(Settings(temporal_tls_client_cert_path=tmp_path / "cert", temporal_tls_client_key_path=tmp_path / "key")).tls

    assert tls == TLSConfig(client_cert=b"certificate", client_private_key=b"private")


def test_a_certificate_without_its_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYKEEPER_TEMPORAL_TLS_CLIENT_CERT_PATH", str(tmp_path / "cert"))

    with pytest.raises(SettingInvalid, match="set both PLAYKEEPER_TEMPORAL_TLS_CLIENT_CERT_PATH and"):
        read_settings()


def test_a_certificate_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemporalAway, match=r"nowhere\.pem"):
        Address.of(Settings(temporal_tls_server_ca_path=tmp_path / "nowhere.pem"))


def test_keys_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("1:abc\n")

    assert Settings(encryption_keys_path=tmp_path / "keys").require_encryption_keys() == "1:abc"


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYKEEPER_SMTP_PORT", "")

    assert Settings().smtp_port == 587


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(SettingMissing, match="set PLAYKEEPER_DATABASE_URL: the PostgreSQL address"):
        Settings(database_url=None).require_database_url()
