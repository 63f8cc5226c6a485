"""A Docker engine of its own that is a Swarm of one: the engine that everybody shares is never put into that mode.

It lives in a network namespace without a way out, so images are copied to it. Linux and root only.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.unit.stackgen.docker import run

ADDRESS = "10.88.0.1"
START = f"""
ip link set lo up
ip link add outside type veth peer name nowhere
ip address add {ADDRESS}/24 dev outside
ip link set outside up
ip link set nowhere up
exec dockerd --data-root "$0/data" --exec-root "$0/exec" --pidfile "$0/pid" --host "unix://$0/socket"
"""
START_SECONDS = 60
STOP_SECONDS = 60
ASK = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode(), end='')"
can_have_a_swarm = os.geteuid() == 0 and all(map(shutil.which, ("dockerd", "unshare", "nsenter", "ip")))


@dataclass(frozen=True, slots=True)
class Swarm:
    """`process` began in the engine's network and is the engine itself."""

    folder: Path
    process: subprocess.Popen[bytes]

    def docker(self, *arguments: str, folder: Path | None = None, env: Mapping[str, str] | None = None) -> str:
        host = f"unix://{self.folder}/socket"
        return run("docker", "--host", host, *arguments, folder=folder or self.folder, env=env, seconds=120)

    def copy_images(self, *images: str) -> None:
        """From the shared engine."""
        load = ("docker", "--host", f"unix://{self.folder}/socket", "load", "--quiet")
        with subprocess.Popen(("docker", "save", *images), stdout=subprocess.PIPE) as save:
            subprocess.run(load, stdin=save.stdout, check=True, timeout=180, stdout=subprocess.DEVNULL)
        assert save.returncode == 0

    def get(self, url: str) -> str:
        """What a client on the machine of this engine is answered."""
        inside = ("nsenter", "--net", "--target", str(self.process.pid))
        return run(*inside, sys.executable, "-c", ASK, url, folder=self.folder)


@contextmanager
def swarm() -> Iterator[Swarm]:
    # Not pytest's own folder: the path of a socket may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="axion-swarm-"))
    log = (folder / "log").open("wb")
    apart = ("unshare", "--net", "--mount", "--propagation", "private")
    process = subprocess.Popen((*apart, "sh", "-ec", START, str(folder)), stdout=log, stderr=log)
    made = Swarm(folder, process)
    try:
        _wait_until_it_answers(made)
        made.docker("swarm", "init", "--advertise-addr", ADDRESS)
        yield made
    finally:
        log.close()
        _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_answers(made: Swarm) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            made.docker("info")
        except AssertionError:
            assert made.process.poll() is None, (made.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, (made.folder / "log").read_text()[-2000:]
            time.sleep(0.2)
        else:
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    """The engine ends its containers first; its mounts go with its namespace."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=STOP_SECONDS)
