"""An agent as install.sh leaves it, in a folder of the test's own, and versions of it that differ in one file."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from agents.distribution.artifact import agent_artifact, packed
from agents.runner.release import LAUNCHER, Release, build_of
from agents.runner.updating.provide import LOCK_FILE
from tests.runner.gateway import TOKEN

VERSION_FILE = "app/agents/contracts/version.py"
MAIN_FILE = "app/agents/runner/__main__.py"


@dataclass(frozen=True, kw_only=True)
class Version:
    content: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def build(self) -> str:
        return build_of(self.digest)


def version(name: str, **changed: str) -> Version:
    """This working tree's agent under another version; `changed` (main, lock, store, dockerfile) are files of it."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(agent_artifact().content)) as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member)
            assert file is not None
            files[member.name] = file.read()
    text = files[VERSION_FILE].decode()
    files[VERSION_FILE] = f'{text}\nVERSION = "{name}"\n'.encode()
    if "main" in changed:
        files["app/agents/runner/real.py"] = files[MAIN_FILE]
        files[MAIN_FILE] = changed["main"].encode()
    if "dockerfile" in changed:
        files["Dockerfile"] = changed["dockerfile"].encode()
    if "lock" in changed:
        files[LOCK_FILE] = changed["lock"].encode()
    if "store" in changed:
        path = "app/agents/runner/journal/store.py"
        files[path] = files[path].replace(
            b"STEPS = (FIRST, SECOND,", changed["store"].encode() + b"STEPS = (FIRST, SECOND,"
        )
        files[path] = files[path].replace(b"FIFTH)\n", b"FIFTH, SIXTH)\n")
    return Version(content=packed(files))


def install(home: Path, wanted: Version) -> Release:
    """Have the version in place as `current`, with this interpreter's own packages."""
    release = Release(home=home, build=wanted.build, kind=f"py3{sys.version_info[1]}")
    release.folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(wanted.content)) as tar:
        tar.extractall(release.folder, filter="data")
    (release.folder / LAUNCHER).chmod(0o755)
    (release.folder / "lib").mkdir()
    (release.folder / "python").write_text(f"{sys.executable}\n")
    (release.folder / ".complete").touch()
    (home / "current").symlink_to(release.folder)
    return release


@dataclass
class InstalledAgent:
    """Supervised as where there is no systemd: whatever ends is started again, as `current` then is."""

    home: Path
    state_dir: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def log_file(self) -> Path:
        return self.home / "agent.log"

    def start(self, **extra: str) -> None:
        environment = {
            **os.environ,
            "AXION_AGENT__AGENT__TOKEN": TOKEN,
            "AXION_AGENT__AGENT__SERVER_ID": "server-1",
            "AXION_AGENT__AGENT__STATE_DIR": str(self.state_dir),
            "AXION_AGENT__CONTROL_PLANE__GRPC_URL": f"http://127.0.0.1:{self.port}",
            "AXION_AGENT_ENV_FILE": "/nonexistent",
            "AXION_AGENT_PAUSE": "0.2",
            **extra,
        }
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.home / "current" / LAUNCHER), "supervise"],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def runner_pid(self) -> int:
        """The process that holds the state directory's lock, as the kernel tells it."""
        held = (self.state_dir / "lock").stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5].endswith(f":{held}"):
                return int(fields[4])
        return 0

    def kill_runner(self) -> None:
        os.kill(self.runner_pid(), signal.SIGKILL)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def current(self) -> str:
        return (self.home / "current").resolve().name.partition("-")[0]

    def wait_for_current(self, build: str, *, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while self.current() != build:
            assert time.monotonic() < until, self.log_file.read_text()
            time.sleep(0.05)
