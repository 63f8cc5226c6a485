"""A new key for what is encrypted, while deployments go on: none fails, nothing is lost, the old key may really go."""

from __future__ import annotations

import base64
import secrets
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from axion_deploy.demo.http import NoAnswer
from axion_deploy.demo.manage import manage
from deployments.encryption import unseal
from tests.e2e import docker_view
from tests.e2e.control_plane import ControlPlane, wait_for, write_project
from tests.e2e.graphs import server_code, two_services

pytestmark = [pytest.mark.docker, pytest.mark.slow]
MAX_DEPLOYMENTS = 30
PATIENCE = 60.0
# Who seals before who opens: the worst order in which all can be restarted one by one.
PROCESSES = ("web", "worker", "publisher", "reconciler", "gateway")
SEALED = """
SELECT 'project:' || project_id || ':' || key, sealed FROM project_secrets
UNION ALL SELECT 'deployment:' || id, sealed_variables FROM deployments
UNION ALL SELECT 'deployment:' || deployment_id, sealed_variables FROM deployment_history
UNION ALL SELECT 'deployment:' || d.id || ':' || e.key, e.value FROM deployments d, jsonb_each_text(d.env_vars) e
UNION ALL SELECT 'deployment:' || h.deployment_id || ':' || e.key, e.value
    FROM deployment_history h, jsonb_each_text(h.env_vars) e
"""


@dataclass
class Load:
    """Deploys again and again, each time with other values, and once goes back; asks again where nobody answers."""

    plane: ControlPlane
    project: str
    ended: list[dict[str, Any]] = field(default_factory=list)
    colours: list[str] = field(default_factory=list)
    trouble: list[BaseException] = field(default_factory=list)

    def ask(self, path: str, body: Mapping[str, object]) -> str:
        """Send one request until it is answered, so that it has one effect however often it was heard."""
        whole = {**body, "metadata": {"requestId": str(uuid.uuid4())}}
        answers: list[str] = []

        def answered() -> bool:
            try:
                answer = self.plane.api(path, send=whole)
            except NoAnswer:
                return False
            assert answer.status in (200, 201), answer
            answers.append(str(answer.member("deployment")["id"]))
            return True

        wait_for(answered, seconds=PATIENCE, what="an answer", details=self.plane.tails)
        return answers[0]

    def deploy(self, colour: str) -> dict[str, Any]:
        server = str(self.plane.bootstrap["server"])
        body = {"projectId": self.project, "serverId": server, "envVars": {"COLOUR": colour}}
        return self.plane.wait_for_end(self.ask("deployments", body), seconds=PATIENCE)

    def run(self, over: threading.Event) -> None:
        try:
            for number in range(MAX_DEPLOYMENTS):
                if over.is_set():
                    return
                self.ended.append(self.deploy(f"load {number}"))
                self.colours.append(colour_of(self.project))
                if number == 1:
                    rollback = self.ask(f"deployments/{self.ended[-1]['id']}/rollback", {})
                    self.ended.append(self.plane.wait_for_end(rollback, seconds=PATIENCE))
                    self.colours.append(colour_of(self.project))
        except BaseException as error:
            self.trouble.append(error)


@contextmanager
def going_on(load: Load) -> Iterator[None]:
    over = threading.Event()
    thread = threading.Thread(target=load.run, args=(over,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=2 * PATIENCE)
    assert not thread.is_alive()
    assert load.trouble == []


def environment_of(project: str) -> dict[str, list[str]]:
    return {name: sorted(each["Config"]["Env"]) for name, each in docker_view.containers(project).items()}


def colour_of(project: str) -> str:
    found = [value for value in environment_of(project)["api"] if value.startswith("COLOUR=")]
    return found[0].removeprefix("COLOUR=")


def restart(plane: ControlPlane, name: str) -> None:
    """As its supervisor does it: told to end, then started with the environment of now."""
    assert plane.children[name].stop(grace=20), f"{name} did not end by itself"
    plane.restart(name)


def wait_until_values_are_under_the_new_key(plane: ControlPlane) -> None:
    """The gateway does not know that key yet, and needs none: it passes on what was sealed to the agent."""
    wait_for(
        lambda: any(value.startswith("2:") for _, value in sealed(plane)),
        seconds=PATIENCE,
        what="a value under the new key",
    )


def sealed(plane: ControlPlane) -> list[tuple[str, str]]:
    """Every sealed value with what it is bound to."""
    return [(context, value) for context, value in plane.sql(SEALED) if value]


@pytest.fixture
def load(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Load]:
    code = {name: server_code(text=name) for name in ("web", "api")}
    folder = write_project(
        tmp_path, name="Rotated", graph=two_services(lives_long=True), code=code, retention=2 * MAX_DEPLOYMENTS
    )
    project = control_plane.import_project(folder)
    yield Load(plane=control_plane, project=project)
    control_plane.remove(project)


def test_a_new_key_while_deployments_go_on(control_plane: ControlPlane, load: Load, settings: Settings) -> None:
    plane, project = control_plane, load.project
    first = load.deploy("before the new key")
    assert first["status"] == 3, first
    then = environment_of(project)
    old_key, new_key = plane.environment["AXION_ENCRYPTION_KEYS"], secrets.token_bytes(32)
    with_new_key = f"2:{base64.b64encode(new_key).decode()}"

    plane.environment["AXION_ENCRYPTION_KEYS"] = f"{old_key},{with_new_key}"
    with going_on(load):
        for name in PROCESSES:
            if name == "gateway":
                wait_until_values_are_under_the_new_key(plane)
            restart(plane, name)
        told = manage("rotate_keys", environment=plane.environment, log=plane.log)
        assert "Nothing needs key 1 any more" in told
    assert [each["status"] for each in load.ended] == [3] * len(load.ended), load.ended
    assert len(load.ended) >= 3, "deployments and a rollback went on meanwhile"
    assert load.colours == ["load 0", "load 1", "load 0", *(f"load {n}" for n in range(2, len(load.ended) - 1))]

    settings.AXION_ENCRYPTION_KEYS = {2: new_key}
    kept = sealed(plane)
    assert {value.partition(":")[0] for _, value in kept} == {"2"}
    for context, value in kept:
        unseal(sealed=value, context=context)

    plane.environment["AXION_ENCRYPTION_KEYS"] = with_new_key
    for name in ("web", "worker", "gateway"):
        restart(plane, name)
    wait_for(plane.web_answers, seconds=PATIENCE, what="the web process", details=plane.tails)
    rollback = load.ask(f"deployments/{load.ended[-1]['id']}/rollback", {"targetDeploymentId": first["id"]})
    assert plane.wait_for_end(rollback)["status"] == 3
    assert environment_of(project) == then
