"""An agent process, a gateway for it to talk to, and stacks that are removed after each test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker
import pytest
from docker.errors import ImageNotFound
from docker.utils import kwargs_from_env

from tests.docker_events import heard_starts
from tests.runner.gateway import TOKEN, TestGateway
from tests.runner.stacks import DOCKERFILE, PROGRAM, Service, Stack

ROOT = Path(__file__).parents[2]
Containers = Callable[[], dict[str, dict[str, Any]]]
# Of this process alone: others test beside it on the same engine.
BASE_IMAGE = f"axion-test-runner/base:{uuid4().hex[:8]}"


@dataclass
class Agent:
    """A runner in a process of its own."""

    state_dir: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    log_file: Path | None = None

    def start(self, **extra: str) -> None:
        environment = {
            **os.environ,
            "AXION_AGENT__AGENT__TOKEN": TOKEN,
            "AXION_AGENT__AGENT__SERVER_ID": "server-1",
            "AXION_AGENT__AGENT__STATE_DIR": str(self.state_dir),
            "AXION_AGENT__CONTROL_PLANE__GRPC_URL": f"http://127.0.0.1:{self.port}",
            # Where nobody listens nobody will.
            "AXION_AGENT__AGENT__REGISTRY_PATIENCE_SECONDS": "1",
            **extra,
        }
        log = self._log_file.open("ab")
        self.process = subprocess.Popen([sys.executable, "-m", "agents.runner"], cwd=ROOT, env=environment, stderr=log)
        log.close()

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def terminate(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(10)

    def log(self) -> str:
        return self._log_file.read_text()

    def wait_for_log(self, text: str, *, seconds: float = 30) -> None:
        give_up_at = time.monotonic() + seconds
        while text not in self.log():
            assert time.monotonic() < give_up_at, self.log()
            time.sleep(0.05)

    @property
    def _log_file(self) -> Path:
        return self.log_file or self.state_dir.parent / "agent.log"


@pytest.fixture
def gateway() -> Iterator[TestGateway]:
    served = TestGateway()
    served.start()
    yield served
    served.stop()


@pytest.fixture
def agent(gateway: TestGateway, tmp_path: Path) -> Iterator[Agent]:
    started = Agent(state_dir=tmp_path / "state", port=gateway.port)
    started.start()
    yield started
    if started.process is not None and started.process.poll() is None:
        started.terminate()
    sys.stdout.write(started.log())


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    client = docker.APIClient(version="auto", **kwargs_from_env())
    yield client
    client.close()


@pytest.fixture(scope="session")
def base_image(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image whose program obeys MODE; built once, so that most tests build nothing."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "main.py").write_text(PROGRAM)
    subprocess.run(["docker", "build", "-q", "-t", BASE_IMAGE, str(folder)], check=True, capture_output=True)
    yield BASE_IMAGE
    # Tests in other folders have the fixture once more, with the same image.
    with contextlib.suppress(ImageNotFound):
        engine.remove_image(BASE_IMAGE, force=True)


@pytest.fixture
def stack(engine: Any, base_image: str) -> Iterator[Stack]:
    """db <- worker, and web beside them; removed afterwards by its label, whatever the runner did."""
    name = f"axion-test-{uuid4().hex[:8]}"
    services = (
        Service(name="db", image=base_image, volume=True),
        Service(name="web", image=base_image),
        Service(name="worker", image=base_image, level=1, needs=("db",)),
    )
    yield Stack(name=name, project_id=str(uuid4()), services=services)
    remove_stack(engine, name)


def remove_stack(engine: Any, name: str) -> None:
    filters = {"label": f"com.docker.compose.project={name}"}
    for container in engine.containers(all=True, filters=filters):
        engine.remove_container(container["Id"], force=True, v=True)
    for network in engine.networks(filters=filters):
        engine.remove_network(network["Id"])
    for volume in engine.volumes(filters=filters)["Volumes"] or ():
        engine.remove_volume(volume["Name"])
    for image in engine.images(name=f"axion/{name}-*"):
        for tag in image["RepoTags"]:
            engine.remove_image(tag, force=True)


@pytest.fixture
def starts(stack: Stack) -> Iterator[Callable[[], dict[str, int]]]:
    """How often the engine started a container of each deployment's service, by its own events."""
    with heard_starts(label=f"com.docker.compose.project={stack.name}") as heard:
        yield lambda: dict(Counter(f"{each['axion.deployment'][:2]} {each['axion.service']}" for each in heard()))


@pytest.fixture
def containers(engine: Any, stack: Stack) -> Callable[[], dict[str, dict[str, Any]]]:
    """Service name to `docker inspect` of its container, as the engine says it, not the runner."""

    def look() -> dict[str, dict[str, Any]]:
        filters = {"label": f"com.docker.compose.project={stack.name}"}
        found = [engine.inspect_container(each["Id"]) for each in engine.containers(all=True, filters=filters)]
        return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}

    return look
