"""A server to install an agent on, and the gateway that it is to find its way back to."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from axion_deploy.embedded.child import Child
from axion_deploy.embedded.ports import free_port
from axion_deploy.embedded.readiness import wait_ready
from tests.passwords import quick_passwords  # noqa: F401 - a fixture
from tests.servers import own_docker
from tests.servers.agent_wheels import agent_wheels
from tests.servers.own_engines import own_engines
from tests.servers.ssh_server import SshServer

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the tests install: one server, one gateway."""

    server: SshServer
    gateway_url: str


def database_url() -> str:
    given = connection.settings_dict
    return f"postgres://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"


def listens(host: str, port: int) -> bool:
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex((host, port)) == 0


@pytest.fixture(scope="module")
def place(django_db_setup: None, django_db_blocker: Any) -> Iterator[Place]:
    if lacking := own_docker.missing():
        pytest.skip(f"needs {lacking}")
    with own_engines("alpha") as engines, django_db_blocker.unblock():
        port = free_port()
        gateway = Child(
            name="gateway",
            command=(sys.executable, "manage.py", "run_agent_gateway"),
            log_file=engines.folder / "gateway.log",
            env={
                **os.environ,
                "AXION_GATEWAY_BIND": f"{engines.gateway}:{port}",
                "AXION_GATEWAY_PLAINTEXT": "true",
                "DATABASE_URL": database_url(),
            },
            cwd=ROOT,
        )
        server = SshServer(engine=engines.servers["alpha"], folder=engines.folder / "ssh")
        try:
            gateway.start()
            server.start()
            wait_ready(gateway, probe=lambda: listens(engines.gateway, port), seconds=START_SECONDS)
            yield Place(server=server, gateway_url=f"http://{engines.gateway}:{port}")
        finally:
            gateway.stop(grace=10)
            server.stop()


@pytest.fixture
def carries_wheels(settings: Any) -> None:
    """The control plane carries the agent's packages, and says that the line is safe."""
    settings.AXION_AGENT_WHEELS = str(agent_wheels())
    settings.AXION_GATEWAY_PLAINTEXT = True


@pytest.fixture(autouse=True)
def leaves_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "place" in request.fixturenames:
        place: Place = request.getfixturevalue("place")
        place.server.show("docker", "sudo")
        assert shutil.which("ssh-keygen")
