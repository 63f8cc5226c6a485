"""PostgreSQL or Redis in a container, where the machine has neither programs nor wheels for them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from axion_deploy.demo.docker import docker
from axion_deploy.embedded.errors import NotReady
from axion_deploy.embedded.ports import free_port

READY_SECONDS = 90.0
LABEL = "axion.demo"


class ContainerServer:
    """One container that is removed when it stops; a volume named by the caller keeps its data."""

    pid = None

    def __init__(
        self, *, image: str, port: int, scheme: str, path: str, options: Sequence[str], command: Sequence[str] = ()
    ) -> None:
        self._image, self._inner_port, self._scheme, self._path = image, port, scheme, path
        self._options, self._command = tuple(options), tuple(command)
        self._port = 0
        self._id = ""

    @property
    def url(self) -> str:
        return f"{self._scheme}127.0.0.1:{self._port}{self._path}"

    def start(self) -> None:
        """Returns when the server answers; raises EmbeddedError or DemoError."""
        self._port = free_port()
        publish = f"127.0.0.1:{self._port}:{self._inner_port}"
        self._id = docker(
            "run",
            "--detach",
            "--rm",
            "--label",
            f"{LABEL}=server",
            "--publish",
            publish,
            *self._options,
            self._image,
            *self._command,
            seconds=600,
        ).strip()
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise NotReady(f"{self._image} did not answer within {READY_SECONDS:g} s.")
            time.sleep(0.2)

    def stop(self) -> None:
        if self._id:
            docker("stop", "--time", "15", self._id, check=False)

    def _answers(self) -> bool:
        try:
            if self._scheme.startswith("redis"):
                with Redis.from_url(self.url, socket_timeout=2) as client:
                    return bool(client.ping())
            psycopg.connect(self.url, connect_timeout=2).close()
        except (RedisError, psycopg.Error):
            return False
        return True


def postgres_container(*, folder: Path, keep: bool) -> ContainerServer:
    """Return a server to start. With `keep` its data stays in a volume, and the password for it in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "container"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(f"axion-demo-{secrets.token_hex(4)} {secrets.token_urlsafe(24)}")
    volume, password = kept.read_text().split()
    options = ["--env", f"POSTGRES_PASSWORD={password}", "--env", "POSTGRES_USER=axion"]
    if keep:
        options += ["--volume", f"{volume}:/var/lib/postgresql/data"]
    return ContainerServer(
        image="postgres:17", port=5432, scheme=f"postgres://axion:{password}@", path="/axion", options=options
    )


def redis_container() -> ContainerServer:
    password = secrets.token_urlsafe(24)
    return ContainerServer(
        image="redis:8",
        port=6379,
        scheme=f"redis://:{password}@",
        path="/0",
        options=(),
        command=["redis-server", "--requirepass", password, "--save", ""],
    )
