"""A registry is tried from a server, and what is wrong with it is said in a sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.registries.certificates import FOLDER
from tests.runner.conftest import Agent
from tests.runner.gateway import TestGateway
from tests.runner.registries.conftest import HOST, login
from tests.servers import own_docker
from tests.servers.own_docker import OwnDocker
from tests.servers.own_registry import PASSWORD, USER, OwnRegistry, find_program

NOBODY = "10.77.0.1:1"
pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(bool(own_docker.missing()), reason=f"an engine of our own needs {own_docker.missing()}"),
    pytest.mark.skipif(not find_program(), reason="there is no docker-registry here and apt gives none"),
]


def check_of(address: str) -> pb.Command:
    test = str(uuid4())
    return pb.Command(
        command_id=test,
        lane=f"registry:{test}",
        number=1,
        deployment_id=test,
        project_id=test,
        check_registry=pb.CheckRegistry(address=address, namespace="team"),
    )


@pytest.fixture
def start(own: OwnDocker, gateway: TestGateway, tmp_path: Path) -> Iterator[Callable[[], Agent]]:
    made = Agent(state_dir=tmp_path / "state", port=gateway.port)

    def begin() -> Agent:
        made.start(DOCKER_HOST=own.host, AXION_AGENT__POLICY__REGISTRY_CERTIFICATES="true")
        return made

    yield begin
    if made.process is not None and made.process.poll() is None:
        made.terminate()
    sys.stdout.write(made.log())


def test_what_is_wrong_is_said_and_nothing_of_the_login_stays(
    start: Callable[[], Agent], gateway: TestGateway, registry: OwnRegistry
) -> None:
    agent = start()
    # By whom, and the outcome with what is said of it.
    tried = [
        ({}, pb.SUCCEEDED, f"reaches {HOST}, trusts it and signs in as {USER}."),
        ({"password": "wrong and wrong"}, pb.FAILED, f"does not accept {USER}"),
        ({"username": "", "password": ""}, pb.FAILED, "no login for it is stored"),
        ({"ca_certificate": ""}, pb.FAILED, "does not trust the certificate"),
        ({"address": NOBODY}, pb.FAILED, f"The registry {NOBODY}"),
    ]
    for changes, outcome, said in tried:
        gateway.registries = [login(registry, **changes)]
        command = check_of(changes.get("address", HOST))
        gateway.send(command)
        finished = gateway.finished(command.command_id, seconds=60)
        assert (finished.outcome, said in finished.message) == (outcome, True), (changes, finished.message)
    assert not (FOLDER / HOST).exists()
    kept = b"".join(path.read_bytes() for path in agent.state_dir.rglob("*") if path.is_file())
    assert PASSWORD not in f"{gateway.reports}{kept.decode(errors='replace')}{agent.log()}"
