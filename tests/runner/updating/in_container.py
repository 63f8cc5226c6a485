"""An agent as a container, as install.sh starts it, on an image that borrows this machine's programs."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.runner.gateway import TOKEN
from tests.runner.updating.installed import Version, version

# Of a Debian without any file: what is in /usr comes from this machine.
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64"}
BORROWED = dict.fromkeys(("/usr", sys.prefix, sys.base_prefix))


def docker(*arguments: str, content: bytes | None = None) -> str:
    done = subprocess.run(["docker", *arguments], input=content, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def make_base(image: str) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, target in LINKS.items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(folder)
    docker("import", "-", image, content=made.getvalue())


@dataclass
class ContainerAgent:
    """`name` names its container, and its images."""

    name: str
    state_dir: Path
    port: int

    @property
    def base(self) -> str:
        return f"{self.name}-base"

    def version(self, number: str, **changed: str) -> Version:
        dockerfile = (
            f"FROM {self.base}\nCOPY app /app\nWORKDIR /app\n"
            f"ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1\n"
            f'CMD ["{sys.executable}", "-m", "agents.runner"]\n'
        )
        return version(number, dockerfile=dockerfile, **changed)

    def start(self, wanted: Version, *, update_seconds: int = 30) -> None:
        image = f"{self.name}:{wanted.build}-image"
        docker("build", "--quiet", "--tag", image, "-", content=wanted.content)
        settings = {
            "AXION_AGENT_BUILD": wanted.build,
            "AXION_AGENT__AGENT__TOKEN": TOKEN,
            "AXION_AGENT__AGENT__SERVER_ID": "server-1",
            "AXION_AGENT__AGENT__STATE_DIR": str(self.state_dir),
            "AXION_AGENT__AGENT__UPDATE_SECONDS": str(update_seconds),
            "AXION_AGENT__CONTROL_PLANE__GRPC_URL": f"http://127.0.0.1:{self.port}",
        }
        mounts = ["/var/run/docker.sock:/var/run/docker.sock", f"{self.state_dir}:{self.state_dir}"]
        mounts += [f"{folder}:{folder}:ro" for folder in BORROWED]
        options = [f"--env={name}={value}" for name, value in settings.items()] + [
            f"--volume={each}" for each in mounts
        ]
        self.state_dir.mkdir(exist_ok=True)
        docker(
            "run", "--detach", "--name", self.name, "--restart", "unless-stopped", "--network", "host", *options, image
        )

    def containers(self) -> dict[str, str]:
        """Those of this agent that there are, by name; what each is."""
        told = docker("ps", "--all", "--no-trunc", "--filter", f"name={self.name}", "--format", "{{.Names}} {{.ID}}")
        return dict(line.split() for line in told.splitlines())

    def settle(self, wanted: dict[str, str], *, seconds: float = 60) -> None:
        """Wait until there are these and no others."""
        until = time.monotonic() + seconds
        while (found := self.containers()) != wanted:
            assert time.monotonic() < until, found
            time.sleep(0.1)

    def described(self, container: str) -> dict[str, Any]:
        (found,) = json.loads(docker("inspect", container))
        return dict(found)

    def kill(self, container: str) -> None:
        """As the kernel kills: Docker was not asked to, so it starts it again."""
        os.kill(int(self.described(container)["State"]["Pid"]), signal.SIGKILL)

    def log(self) -> str:
        said = [f"{name}:\n{_log(each)}" for name, each in self.containers().items()]
        return "\n".join(said)

    def remove(self) -> None:
        for each in self.containers().values():
            docker("rm", "--force", each)
        for image in docker("images", "--format", "{{.Repository}}:{{.Tag}}", self.name).split():
            docker("rmi", "--force", image)
        docker("rmi", "--force", self.base)


def _log(container: str) -> str:
    done = subprocess.run(["docker", "logs", container], capture_output=True, timeout=60, check=False)
    return (done.stdout + done.stderr).decode()
