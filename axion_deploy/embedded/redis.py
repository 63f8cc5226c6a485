"""A Redis server of our own: password, 127.0.0.1, its files in one folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from axion_deploy.embedded.binaries import RedisProgram
from axion_deploy.embedded.child import Child
from axion_deploy.embedded.errors import NotReady
from axion_deploy.embedded.ports import free_port
from axion_deploy.embedded.readiness import wait_ready

READY_SECONDS = 20.0
CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
daemonize no
save ""
appendonly {appendonly}
appendfsync always
"""


class EmbeddedRedis:
    """`durable` writes each command to disk before it is answered; without it a restart forgets everything."""

    def __init__(self, *, program: RedisProgram, folder: Path, port: int | None = None, durable: bool = False) -> None:
        self.program = program
        self.folder = folder
        self.port = port
        self.durable = durable
        self._password = secrets.token_urlsafe(24)
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Returns when the server answers; raises EmbeddedError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port(preferred=self.port)
        self._child = Child(
            name="Redis",
            command=[str(self.program.redis_server), str(self._write_configuration())],
            log_file=self.folder / "redis.log",
            cwd=self.folder,
        )
        self._child.start()
        try:
            wait_ready(self._child, probe=self._answers, seconds=READY_SECONDS)
        except NotReady:
            self.stop()
            raise

    def is_running(self) -> bool:
        return self._child is not None and self._child.is_running()

    def stop(self, *, grace: float = 5.0) -> None:
        if self._child is not None:
            self._child.stop(grace=grace)

    def kill(self) -> None:
        """Kill it as if the machine had lost power; for tests."""
        if self._child is not None:
            self._child.kill()

    def _write_configuration(self) -> Path:
        """A file instead of arguments: every user of the machine can read arguments."""
        path = self.folder / "redis.conf"
        path.unlink(missing_ok=True)
        text = CONFIGURATION.format(
            port=self.port,
            password=self._password,
            folder=_quoted(self.folder),
            appendonly="yes" if self.durable else "no",
        )
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return path

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2) as client:
                return bool(client.ping())
        except RedisError:
            return False


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
