"""A PostgreSQL server of our own: password, 127.0.0.1, no Unix socket, its files in one folder."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from axion_deploy.embedded.binaries import PostgresPrograms
from axion_deploy.embedded.child import Child
from axion_deploy.embedded.errors import NotReady
from axion_deploy.embedded.ports import free_port
from axion_deploy.embedded.readiness import wait_ready
from axion_deploy.embedded.unprivileged import prefix_for

USER = "axion"
INITDB_SECONDS = 120.0
PROBE_SECONDS = 10.0
READY_SECONDS = 60.0
LEFTOVER = "pre-existing shared memory block"
LEFTOVER_SECONDS, LEFTOVER_PAUSE = 10.0, 0.2


class EmbeddedPostgres:
    """A server in a folder that can be started again: its data and password stay, for each major version on its own.

    The path of `folder` may be of any length, as no Unix socket is made. One that is not `durable` waits for no disk:
    what was committed survives the end of its processes, though not that of the machine. For tests.
    """

    def __init__(
        self,
        *,
        programs: PostgresPrograms,
        folder: Path,
        port: int | None = None,
        database: str = "axion",
        durable: bool = True,
    ) -> None:
        self.programs = programs
        self.folder = folder
        self.port = port
        self.database = database
        self._durable = durable
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"postgres://{USER}:{self._password()}@127.0.0.1:{self.port}/{self.database}"

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Returns when the database answers; raises EmbeddedError."""
        home = self.folder / f"server-{self._major_version()}"
        home.mkdir(parents=True, exist_ok=True)
        prefix = prefix_for(folder=home, program=self.programs.initdb)
        data = home / "data"
        if not data.exists():
            self._initialize(prefix=prefix, data=data)
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while not self._serve(prefix=prefix, data=data, again=time.monotonic() < deadline):
            time.sleep(LEFTOVER_PAUSE)
        self._create_database()

    def _serve(self, *, prefix: tuple[str, ...], data: Path, again: bool) -> bool:
        """Start the server; returns when it answers. Raises NotReady.

        False, `again` given, where children of one that was killed have not ended yet: they hold its shared memory.
        """
        self.port = free_port(preferred=self.port)
        self._child = Child(
            name="PostgreSQL",
            command=[*prefix, str(self.programs.postgres), *self._options(data=data)],
            log_file=self.folder / "postgres.log",
            env=_environment(),
            # SIGINT is its fast stop: it ends open sessions instead of waiting for them.
            stop_signal=signal.SIGINT,
        )
        self._child.start()
        try:
            wait_ready(self._child, probe=self._answers, seconds=READY_SECONDS)
        except NotReady as error:
            self.stop()
            if again and LEFTOVER in str(error):
                return False
            raise
        return True

    def is_running(self) -> bool:
        return self._child is not None and self._child.is_running()

    def stop(self, *, grace: float = 15.0) -> None:
        if self._child is not None:
            self._child.stop(grace=grace)

    def kill(self) -> None:
        """Kill it as if the machine had lost power; for tests."""
        if self._child is not None:
            self._child.kill()

    def _options(self, *, data: Path) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "300",
            "shared_buffers": "64MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "off",
            "fsync": "on" if self._durable else "off",
        }
        return ["-D", str(data), *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))]

    def _password(self) -> str:
        return (self.folder / "password").read_text().strip()

    def _initialize(self, *, prefix: tuple[str, ...], data: Path) -> None:
        """Made beside `data` and renamed at the end, so a folder of that name is always a whole one."""
        if not (self.folder / "password").exists():
            _write_private(self.folder / "password", secrets.token_urlsafe(24))
        unfinished, handed_over = data.with_name("data.new"), data.with_name("password")
        shutil.rmtree(unfinished, ignore_errors=True)
        # initdb may run as another user, who cannot read our own file.
        _write_private(handed_over, self._password(), like=data.parent)
        command = [
            *prefix,
            str(self.programs.initdb),
            "-D",
            str(unfinished),
            "-U",
            USER,
            "--pwfile",
            str(handed_over),
            "-A",
            "scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
        ]
        done = _run(command, seconds=INITDB_SECONDS)
        handed_over.unlink()
        if done.returncode != 0:
            raise NotReady(f"initdb ended with code {done.returncode}:\n{(done.stderr or done.stdout).strip()[-2000:]}")
        unfinished.rename(data)

    def _major_version(self) -> str:
        """ "18" of "postgres (PostgreSQL) 18.4 (Debian 18.4-1)"; another major version cannot read the files."""
        printed = _run([str(self.programs.postgres), "--version"], seconds=PROBE_SECONDS).stdout
        version = re.search(r"\(PostgreSQL\) (\d+)", printed)
        return version.group(1) if version else "unknown"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._maintenance_url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _maintenance_url(self) -> str:
        return f"postgres://{USER}:{self._password()}@127.0.0.1:{self.port}/postgres"

    def _create_database(self) -> None:
        with psycopg.connect(self._maintenance_url(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.database]).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database)))


def _run(command: list[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=False,
        env=_environment(),
        text=True,
    )


def _environment() -> dict[str, str]:
    """Return our environment without PGDATA, PGPORT and the like of the person who started us."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _write_private(path: Path, text: str, *, like: Path | None = None) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    if like is not None:
        owner = like.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
