"""The demo's folder: what must survive from one run to the next, and the lock that keeps two runs apart."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from axion_deploy.demo.errors import DemoError

KEY_BYTES = 32


class State:
    """`folder` is private to this user. With `fresh`, nothing of an earlier run is seen and nothing is kept."""

    def __init__(self, *, root: Path, fresh: bool) -> None:
        self.root = root
        self.fresh = fresh
        self.folder = root / ("once" if fresh else "state")
        self.logs = root / "logs"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Raises DemoError while another demo uses the folder."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise DemoError(
                    f"A demo is already running here ({self.root}). Stop it first, or give another --folder."
                ) from error
            yield

    def prepare(self) -> None:
        """Call it only when no program of an earlier run uses the folder any more."""
        if self.fresh:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir()

    def discard(self) -> None:
        """Removes what a fresh run made, all but the logs."""
        if self.fresh:
            shutil.rmtree(self.folder, ignore_errors=True)

    def secrets(self) -> Mapping[str, str]:
        """Return keys and the demo user's password, made at the first call and kept in a private file."""
        path = self.folder / "env"
        if not path.exists():
            encryption_key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
            made = {
                "AXION_SECRET_KEY": secrets.token_urlsafe(KEY_BYTES),
                "AXION_ENCRYPTION_KEYS": f"1:{encryption_key}",
                "AXION_DEMO_PASSWORD": secrets.token_urlsafe(9),
            }
            _write_private(path, "".join(f"{name}={value}\n" for name, value in made.items()))
        return dict(line.split("=", 1) for line in path.read_text().splitlines())

    def remember(self, **facts: object) -> None:
        """Adds facts that a later run needs, such as the project's name; they are no secrets."""
        _write_private(self.folder / "facts.json", json.dumps({**self.facts(), **facts}))

    def facts(self) -> dict[str, object]:
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads((self.folder / "facts.json").read_text()))
        return {}


def _write_private(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
