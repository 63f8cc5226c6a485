"""A registry of one test's own, Debian's docker-registry: with TLS under an authority of its own and a password."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from axion_deploy.embedded.registry import EmbeddedRegistry, find_registry
from tests.servers.places import FOLDER

USER = "deployer"
PASSWORD = "correct horse battery staple"
# Of that password, by bcrypt.
HASHED = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS"


def find_program() -> str:
    """Where the registry's program is; unpacked from Debian's package, without installing it. Empty when nowhere."""
    return find_registry(folder=FOLDER)


class OwnRegistry(EmbeddedRegistry):
    """`address` is HOST:PORT, `inside` begins a command that runs where that host is. Data stay from start to start."""

    def __init__(self, *, folder: Path, address: str, inside: tuple[str, ...] = (), tls: bool = True) -> None:
        lines = f"  tls: {{certificate: {folder}/registry.crt, key: {folder}/registry.key}}\n" if tls else ""
        users = f"{USER}:{HASHED}\n"
        super().__init__(program=find_program(), folder=folder, address=address, users=users, inside=inside, tls=lines)

    @property
    def authority(self) -> str:
        """The certificate of who signed the registry's."""
        return (self.folder / "ca.crt").read_text()

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._tls and not (self.folder / "registry.crt").exists():
            self._make_certificates()
        super().start()

    def uploads(self) -> int:
        """How many layers and configurations were sent to it since it was started."""
        return sum("http.request.method=PUT" in line and "/blobs/uploads/" in line for line in self.log().splitlines())

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        self.thaw()
        super().stop()

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
