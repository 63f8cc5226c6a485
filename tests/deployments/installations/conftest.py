"""A server to install agents on, and the gateway that they are to find their way back to."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from agents.models import Server
from axion_deploy.embedded.child import Child
from axion_deploy.embedded.ports import free_port
from axion_deploy.embedded.readiness import wait_ready
from deployments.data.installation_types import (
    InstallationAction,
    InstallationRecord,
    InstallationRequest,
    InstallationState,
    SshAddress,
    SshLogin,
    Step,
    StepState,
)
from deployments.models import User
from deployments.repositories.installations import installation_rows
from deployments.services.installations import installation_requests, installing
from deployments.services.permissions.access import caller_of
from tests.passwords import quick_passwords  # noqa: F401 - a fixture
from tests.servers import own_docker
from tests.servers.agent_wheels import agent_wheels
from tests.servers.own_engines import own_engines
from tests.servers.ssh_server import DEPLOY_PASSWORD, SshServer

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 60.0
WAIT_SECONDS = 60.0
OURS = "/opt/axion-agent /var/lib/axion-agent /etc/axion /run/axion-agent"


@dataclass(frozen=True, kw_only=True)
class Place:
    """One server, and one gateway on this machine at `here`."""

    server: SshServer
    here: str
    port: int
    gateway: Child

    @property
    def gateway_url(self) -> str:
        return f"http://{self.here}:{self.port}"

    def address(self, user: str = "deploy") -> SshAddress:
        return SshAddress(host=self.server.address, port=22, username=user)


def ask(
    place: Place, owner: User, server: Server, action: InstallationAction = InstallationAction.INSTALL, **changes: Any
) -> InstallationRecord:
    wanted: dict[str, Any] = {
        "action": action,
        "address": place.address(),
        "login": SshLogin(password=DEPLOY_PASSWORD),
        "host_key": place.server.fingerprint,
        "gateway_url": place.gateway_url,
        **changes,
    }
    return installation_requests.request_installation(
        caller=caller_of(owner), server_id=server.id, request=InstallationRequest(**wanted), installation_id=uuid4()
    )


def carried_out(asked: InstallationRecord) -> InstallationRecord:
    installing.run_installation(installation_id=asked.id)
    return installation_rows.get(installation_id=asked.id)


def steps_of(record: InstallationRecord) -> dict[Step, tuple[StepState, str]]:
    return {each.step: (each.state, each.message) for each in record.steps}


def assert_failed(record: InstallationRecord, step: Step, *words: str) -> None:
    """It ended at this step, which says why; nothing after it was begun, and the login is forgotten."""
    state, message = steps_of(record)[step]
    assert (record.state, state) == (InstallationState.FAILED, StepState.FAILED), steps_of(record)
    assert all(word in message for word in words), message
    assert record.message == message
    order = list(steps_of(record))
    later = order[order.index(step) + 1 :]
    assert {steps_of(record)[each][0] for each in later} <= {StepState.WAITING}
    assert installation_rows.sealed_login(installation_id=record.id) == ""


def until(holds: Callable[[], Any], *, what: str) -> Any:
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError(f"never: {what}")


def database_url() -> str:
    given = connection.settings_dict
    return f"postgres://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"


def listens(host: str, port: int) -> bool:
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex((host, port)) == 0


def gateway_at(bind: str, *, log_file: Path, plaintext: str) -> Child:
    """A gateway of these tests' database, not yet started."""
    return Child(
        name="gateway",
        command=(sys.executable, "manage.py", "run_agent_gateway"),
        log_file=log_file,
        env={
            **os.environ,
            "AXION_GATEWAY_BIND": bind,
            "AXION_GATEWAY_PLAINTEXT": plaintext,
            "DATABASE_URL": database_url(),
        },
        cwd=ROOT,
    )


@pytest.fixture(scope="package")
def place(django_db_setup: None, django_db_blocker: Any) -> Iterator[Place]:
    if lacking := own_docker.missing():
        pytest.skip(f"needs {lacking}")
    with own_engines("alpha") as engines, django_db_blocker.unblock():
        port = free_port()
        gateway = gateway_at(f"{engines.gateway}:{port}", log_file=engines.folder / "gateway.log", plaintext="true")
        server = SshServer(engine=engines.servers["alpha"], folder=engines.folder / "ssh")
        try:
            gateway.start()
            server.start()
            wait_ready(gateway, probe=lambda: listens(engines.gateway, port), seconds=START_SECONDS)
            yield Place(server=server, here=engines.gateway, port=port, gateway=gateway)
        finally:
            gateway.stop(grace=10)
            server.stop()


@pytest.fixture
def carries_wheels(settings: Any, request: pytest.FixtureRequest) -> None:
    """The control plane carries the agent's packages, and says that the line is safe."""
    settings.AXION_AGENT_WHEELS = str(agent_wheels())
    settings.AXION_GATEWAY_PLAINTEXT = True
    if "bare" in request.fixturenames:
        found: Place = request.getfixturevalue("place")
        settings.AXION_GATEWAY_BIND = f"{found.here}:{found.port}"


@pytest.fixture
def bare(place: Place) -> Iterator[Place]:
    """Nothing of ours is left there afterwards, whatever the test did."""
    yield place
    stop = "if [ -e /run/axion-agent/pid ]; then kill -KILL -- -$(cat /run/axion-agent/pid); fi"
    place.server.run(f"{stop}; rm -rf {OURS} /tmp/axion-install-*", check=False)
    place.server.show("docker", "sudo")
