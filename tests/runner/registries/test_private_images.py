"""Private images on a server: a real registry with TLS under its own authority and a password."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.docker.registries.certificates import FOLDER
from agents.runner.docker.registries.client_config import ClientConfigs
from agents.runner.planning.registries import RegistryLogin
from tests.runner.conftest import Agent, remove_stack
from tests.runner.gateway import TestGateway
from tests.runner.registries.conftest import HOST, login, trusted
from tests.runner.stacks import Service, Stack
from tests.servers import own_docker
from tests.servers.own_docker import OwnDocker
from tests.servers.own_registry import PASSWORD, USER, OwnRegistry, find_program

OTHERS = "10.77.0.1:1"
pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(bool(own_docker.missing()), reason=f"an engine of our own needs {own_docker.missing()}"),
    pytest.mark.skipif(not find_program(), reason="there is no docker-registry here and apt gives none"),
]


@pytest.fixture
def start(own: OwnDocker, gateway: TestGateway, tmp_path: Path) -> Iterator[Callable[..., Agent]]:
    """Start an agent that may write authorities; its configuration may say otherwise."""
    made = Agent(state_dir=tmp_path / "state", port=gateway.port)

    def begin(**more: str) -> Agent:
        made.start(DOCKER_HOST=own.host, **{"AXION_AGENT__POLICY__REGISTRY_CERTIFICATES": "true", **more})
        return made

    yield begin
    if made.process is not None and made.process.poll() is None:
        made.terminate()
    sys.stdout.write(made.log())


@pytest.fixture
def stack(own: OwnDocker) -> Iterator[Stack]:
    web = Service(name="web", image=f"{HOST}/apps/web:1")
    made = Stack(name=f"axion-test-{uuid4().hex[:8]}", project_id=str(uuid4()), services=(web,))
    yield made
    with own.client() as client:
        remove_stack(client, made.name)
    own.docker("rmi", "--force", f"{HOST}/apps/web:1")


def deploy(gateway: TestGateway, command: pb.Command) -> pb.CommandFinished:
    gateway.send(command)
    return gateway.finished(command.command_id)


def folders_of(agent: Agent) -> list[Path]:
    """The folders with logins that the agent has at the moment."""
    places = ClientConfigs(state_dir=agent.state_dir, environment={})._folders()
    return [each for place in places if place.exists() for each in place.iterdir()]


def said(gateway: TestGateway, agent: Agent) -> str:
    """All that the agent told and kept."""
    kept = b"".join(path.read_bytes() for path in agent.state_dir.rglob("*") if path.is_file())
    return f"{gateway.reports}{kept.decode(errors='replace')}{agent.log()}"


def test_a_private_image_is_pulled_and_nothing_of_the_login_stays(
    start: Callable[..., Agent], gateway: TestGateway, registry: OwnRegistry, own: OwnDocker, stack: Stack
) -> None:
    agent = start()
    gateway.registries = [login(registry)]
    finished = deploy(gateway, stack.deploy())
    assert finished.outcome == pb.SUCCEEDED, finished
    assert own.docker("image", "inspect", f"{HOST}/apps/web:1").returncode == 0
    assert not (FOLDER / HOST).exists()
    assert folders_of(agent) == []
    everything = said(gateway, agent)
    assert PASSWORD not in everything
    assert "BEGIN CERTIFICATE" not in everything


@pytest.mark.parametrize(
    ("changes", "more", "image", "sentence"),
    [
        ({"password": "wrong and wrong"}, {}, "apps/web:1", f"does not accept {USER} for {HOST}/apps/web:1"),
        ({"address": OTHERS}, {}, "apps/web:1", "no login for it is stored"),
        ({"ca_certificate": ""}, {}, "apps/web:1", "does not trust the certificate of the registry"),
        ({}, {"AXION_AGENT__POLICY__REGISTRY_CERTIFICATES": "false"}, "apps/web:1", "does not trust the certificate"),
        ({}, {}, "apps/none:1", f"The registry {HOST} has no {HOST}/apps/none:1."),
    ],
    ids=["wrong password", "no login", "no authority", "not allowed", "no such image"],
)
def test_what_is_wrong_is_named_with_registry_and_image(
    start: Callable[..., Agent],
    gateway: TestGateway,
    registry: OwnRegistry,
    stack: Stack,
    changes: dict[str, str],
    more: dict[str, str],
    image: str,
    sentence: str,
) -> None:
    # Without a login the owner of the machine has said whom to trust.
    agent = start(**more)
    gateway.registries = [login(registry, **changes)]
    with trusted(registry.authority) if "address" in changes else nullcontext():
        finished = deploy(gateway, stack.with_service("web", image=f"{HOST}/{image}").deploy())
    assert (finished.outcome, finished.reason, finished.failed_service) == (pb.RESTORED, "image", "web")
    assert sentence in finished.message
    assert f"{HOST}/{image}" in finished.message
    assert not (FOLDER / HOST).exists()
    assert folders_of(agent) == []
    assert gateway.registries[0].password not in said(gateway, agent)


def test_a_registry_that_is_away_is_asked_again_and_a_kill_leaves_nothing(
    start: Callable[..., Agent], gateway: TestGateway, registry: OwnRegistry, stack: Stack
) -> None:
    agent = start(AXION_AGENT__AGENT__REGISTRY_PATIENCE_SECONDS="300")
    gateway.registries = [login(registry)]
    registry.stop()
    command = stack.deploy()
    gateway.send(command)
    gateway.until(lambda: "it is asked again" in gateway.log(command.command_id), what="another try")
    (folder,) = folders_of(agent)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "config.json").stat().st_mode & 0o777 == 0o600
    agent.kill()
    assert folder.exists()
    # Nothing to go on with before the control plane is there again: what is left goes at the start.
    gateway.stop()
    start(AXION_AGENT__AGENT__REGISTRY_PATIENCE_SECONDS="300")
    until_gone(folder)
    gateway.start()
    registry.start()
    assert gateway.finished(command.command_id).outcome == pb.SUCCEEDED
    assert not (FOLDER / HOST).exists()
    assert folders_of(agent) == []


def until_gone(folder: Path) -> None:
    give_up_at = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < give_up_at, f"{folder} is still there"
        time.sleep(0.05)


def test_a_registry_that_stays_away_fails_the_deployment_by_name(
    start: Callable[..., Agent], gateway: TestGateway, registry: OwnRegistry, stack: Stack
) -> None:
    start()
    gateway.registries = [login(registry)]
    registry.stop()
    try:
        finished = deploy(gateway, stack.deploy())
    finally:
        registry.start()
    assert (finished.outcome, finished.reason) == (pb.RESTORED, "image")
    assert f"The registry {HOST}, which has {HOST}/apps/web:1, could not be reached." in finished.message


def test_what_the_machine_trusts_by_itself_is_never_touched(
    start: Callable[..., Agent], gateway: TestGateway, registry: OwnRegistry, stack: Stack
) -> None:
    start()
    gateway.registries = [login(registry, ca_certificate="another authority")]
    with trusted(registry.authority):
        finished = deploy(gateway, stack.deploy())
        assert [each.name for each in (FOLDER / HOST).iterdir()] == ["ca.crt"]
        assert (FOLDER / HOST / "ca.crt").read_text() == registry.authority
    assert finished.outcome == pb.SUCCEEDED, finished


def test_the_logins_of_the_agents_user_stay_beside_ours(tmp_path: Path) -> None:
    theirs: dict[str, Any] = {
        "auths": {"ghcr.io": {"auth": "dGhlaXJz"}, HOST: {"auth": "b2xk"}},
        "credsStore": "pass",
        "currentContext": "x",
    }
    (tmp_path / ".docker" / "cli-plugins").mkdir(parents=True)
    (tmp_path / ".docker" / "config.json").write_text(json.dumps(theirs))
    configs = ClientConfigs(state_dir=tmp_path, environment={"HOME": str(tmp_path)})
    ours = RegistryLogin(name="ours", address=HOST, username="me", password="secret")
    hub = replace(ours, address="docker.io")
    with configs.holding([ours, hub]) as folder:
        found = json.loads((folder / "config.json").read_text())
        assert (folder / "cli-plugins").resolve() == tmp_path / ".docker" / "cli-plugins"
    assert found["auths"]["ghcr.io"] == {"auth": "dGhlaXJz"}
    assert found["auths"][HOST] == {"auth": "bWU6c2VjcmV0"}
    assert found["auths"]["https://index.docker.io/v1/"] == {"auth": "bWU6c2VjcmV0"}
    # A store would be asked instead of the file.
    assert found["credHelpers"] == {HOST: "", "https://index.docker.io/v1/": ""}
    assert (found["credsStore"], found["currentContext"]) == ("pass", "x")
    assert json.loads((tmp_path / ".docker" / "config.json").read_text()) == theirs
    assert not folder.exists()
