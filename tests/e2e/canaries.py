"""Values that must not be found anywhere, and how to look for them in every form they could have taken."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

READ_SECONDS = 0.5


@dataclass(frozen=True)
class Canary:
    """A value that URLs, shells, JSON and Compose write each in its own way, around a core that none of them does."""

    core: str = field(default_factory=lambda: f"canary{secrets.token_hex(12)}")

    @property
    def value(self) -> str:
        return f'p/{self.core}+$1 "é"'

    def forms(self) -> dict[str, bytes]:
        """The core is in plain, URL-encoded, JSON and shell text; base64 looks different at each of three positions."""
        core = self.core.encode()
        shifted = {f"base64, {n} before": base64.b64encode(b"?" * n + core)[4 if n else 0 : -4] for n in range(3)}
        encoded = quote(self.value, safe="").encode()
        return {"plain": core, "hexadecimal": core.hex().encode(), "URL": encoded, **shifted}


def found(canaries: list[Canary], content: bytes) -> list[str]:
    """Which forms are in the content."""
    return [name for canary in canaries for name, form in canary.forms().items() if form in content]


def found_in_files(canaries: list[Canary], folder: Path) -> list[str]:
    """File and form of all that is found in any file below the folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    return [f"{path.relative_to(folder)}: {form}" for path in files for form in found(canaries, path.read_bytes())]


@contextmanager
def redis_heard(url: str, file: Path) -> Iterator[None]:
    """While the block runs, every command that anybody sends to this Redis goes to the file."""
    with (
        file.open("wb") as output,
        subprocess.Popen(["redis-cli", "-u", url, "--no-auth-warning", "monitor"], stdout=output) as monitor,
    ):
        try:
            yield
        finally:
            monitor.terminate()


class Frames:
    """Everything that sockets of these addresses receive, in one file, until `close`."""

    def __init__(self, *, file: Path, token: str) -> None:
        self._file = file
        self._token = token
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def follow(self, address: str) -> None:
        thread = threading.Thread(target=self._read, args=(address,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def close(self) -> list[dict[str, object]]:
        """The messages received."""
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=10)
        return [json.loads(line) for line in self._file.read_text().splitlines()]

    def _read(self, address: str) -> None:
        with connect(address, additional_headers={"Authorization": f"Token {self._token}"}, proxy=None) as socket:
            while not self._over.is_set():
                try:
                    message = socket.recv(timeout=READ_SECONDS)
                except TimeoutError:
                    continue
                except ConnectionClosed:
                    return
                with self._lock, self._file.open("a") as file:
                    file.write(f"{message if isinstance(message, str) else message.decode()}\n")
