"""A registry of one test's own, Debian's docker-registry: with TLS under an authority of its own and a password."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
from pathlib import Path

from axion_deploy.embedded.child import Child
from axion_deploy.embedded.readiness import wait_ready
from tests.servers.places import FOLDER

USER = "deployer"
PASSWORD = "correct horse battery staple"
# Of that password, by bcrypt: the only kind that the registry reads.
HASHED = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS"
UNPACKED = FOLDER / "docker-registry"
UNPACK_SECONDS = 120
READY_SECONDS = 30.0
CONFIG = """version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
  delete: {{enabled: true}}
http:
  addr: {address}
{tls}auth:
  htpasswd: {{realm: tests, path: {folder}/htpasswd}}
"""


def find_program() -> str:
    """Where the registry's program is; unpacked from Debian's package, without installing it. Empty when nowhere."""
    if found := shutil.which("docker-registry"):
        return found
    program = UNPACKED / "usr" / "bin" / "docker-registry"
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "docker-registry.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
            _unpack()
    return str(program) if program.exists() else ""


def _unpack() -> None:
    UNPACKED.mkdir(exist_ok=True)
    _run("apt-get", "download", "-qq", "docker-registry")
    for package in UNPACKED.glob("docker-registry_*.deb"):
        _run("dpkg", "-x", str(package), str(UNPACKED))
        package.unlink()


def _run(*command: str) -> None:
    subprocess.run(command, cwd=UNPACKED, capture_output=True, timeout=UNPACK_SECONDS, check=False)


class OwnRegistry:
    """`address` is HOST:PORT, `inside` begins a command that runs where that host is. Data stay from start to start."""

    def __init__(self, *, folder: Path, address: str, inside: tuple[str, ...] = (), tls: bool = True) -> None:
        self.folder = folder
        self.address = address
        self._inside = inside
        self._tls = tls
        self._child: Child | None = None

    @property
    def authority(self) -> str:
        """The certificate of who signed the registry's."""
        return (self.folder / "ca.crt").read_text()

    def start(self) -> None:
        """Start it, again after `stop`; returns when it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._tls and not (self.folder / "registry.crt").exists():
            self._make_certificates()
        tls = f"  tls: {{certificate: {self.folder}/registry.crt, key: {self.folder}/registry.key}}\n"
        settings = CONFIG.format(folder=self.folder, address=self.address, tls=tls if self._tls else "")
        (self.folder / "config.yml").write_text(settings)
        (self.folder / "htpasswd").write_text(f"{USER}:{HASHED}\n")
        (self.folder / "registry.log").unlink(missing_ok=True)
        command = [*self._inside, find_program(), "serve", str(self.folder / "config.yml")]
        self._child = Child(name="registry", command=command, log_file=self.folder / "registry.log")
        self._child.start()
        wait_ready(self._child, probe=lambda: "listening on" in self.log(), seconds=READY_SECONDS)

    def log(self) -> str:
        """What it wrote since it was started: one line for each request."""
        return (self.folder / "registry.log").read_text()

    def uploads(self) -> int:
        """How many layers and configurations were sent to it since it was started."""
        return sum("http.request.method=PUT" in line and "/blobs/uploads/" in line for line in self.log().splitlines())

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._child is not None:
            self.thaw()
            self._child.stop(grace=10)

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None and self._child.pid is not None and self._child.is_running():
            os.kill(self._child.pid, number)

    def _make_certificates(self) -> None:
        host = self.address.rpartition(":")[0]
        kind = "IP" if host.replace(".", "").isdigit() else "DNS"
        (self.folder / "names").write_text(f"subjectAltName={kind}:{host}")
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test authority", "-days", "2",
                      "-keyout", "ca.key", "-out", "ca.crt")  # fmt: skip
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=registry",
                      "-keyout", "registry.key", "-out", "registry.csr")  # fmt: skip
        self._openssl("x509", "-req", "-in", "registry.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "2", "-extfile", "names", "-out", "registry.crt")  # fmt: skip

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=60)
