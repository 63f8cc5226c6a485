"""An image registry of our own: Debian's docker-registry."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

from axion_deploy.embedded.child import Child
from axion_deploy.embedded.readiness import wait_ready

UNPACK_SECONDS = 120
READY_SECONDS = 30.0
CONFIG = """version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
  delete: {{enabled: {deletes}}}
http:
  addr: {address}
{tls}{auth}"""
AUTH = "auth:\n  htpasswd: {{realm: axion, path: {folder}/htpasswd}}\n"


def find_registry(*, folder: Path) -> str:
    """Return where the registry's program is; empty when nowhere.

    Where none is installed, Debian's package is fetched and unpacked into `folder`, which installs nothing.
    """
    if found := shutil.which("docker-registry"):
        return found
    unpacked = folder / "docker-registry"
    program = unpacked / "usr" / "bin" / "docker-registry"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "docker-registry.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
            _unpack(unpacked)
    return str(program) if program.exists() else ""


def _unpack(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    _try("apt-get", "download", "-qq", "docker-registry", folder=folder)
    for package in folder.glob("docker-registry_*.deb"):
        _try("dpkg", "-x", str(package), str(folder), folder=folder)
        package.unlink()


def _try(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, capture_output=True, timeout=UNPACK_SECONDS, check=False)


class EmbeddedRegistry:
    """`address` is HOST:PORT, `inside` begins a command that runs where that host is. Data stay from start to start.

    `users` are lines of an htpasswd file, with passwords hashed by bcrypt: the only kind that the registry reads.
    Without any, whoever reaches the address may read and write.
    """

    def __init__(
        self, *, program: str, folder: Path, address: str, users: str = "", inside: tuple[str, ...] = (), tls: str = ""
    ) -> None:
        self.folder = folder
        # Whether images may be deleted, from the next start on.
        self.deletes = True
        self.address = address
        self._program = program
        self._users = users
        self._inside = inside
        self._tls = tls
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    def start(self) -> None:
        """Start it, again after `stop`; returns when it listens. Raises NotReady."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = CONFIG.format(
            folder=self.folder,
            address=self.address,
            tls=self._tls,
            auth=self._auth(),
            deletes=str(self.deletes).lower(),
        )
        (self.folder / "config.yml").write_text(settings)
        (self.folder / "htpasswd").write_text(self._users)
        (self.folder / "registry.log").unlink(missing_ok=True)
        command = [*self._inside, self._program, "serve", str(self.folder / "config.yml")]
        self._child = Child(name="registry", command=command, log_file=self.folder / "registry.log")
        self._child.start()
        wait_ready(self._child, probe=lambda: "listening on" in self.log(), seconds=READY_SECONDS)

    def _auth(self) -> str:
        """Return the part of the settings that says who may do what."""
        return AUTH.format(folder=self.folder) if self._users else ""

    def log(self) -> str:
        """Return what it wrote since it was started: one line for each request."""
        return (self.folder / "registry.log").read_text()

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop(grace=10)
