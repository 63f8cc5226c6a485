"""A hundred deployments and their clean-ups touch nothing that is not ours, and keep what a rollback needs."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e import docker_view
from tests.e2e.control_plane import ControlPlane, wait_for, write_project
from tests.e2e.docker_view import docker
from tests.e2e.graphs import node_id, server_code, two_services

pytestmark = [pytest.mark.docker, pytest.mark.slow]
KEPT = 2
# Of each version so many, so that history keeps the last one and the one before it.
DEPLOYMENTS = (33, 33, 33, 1)
CLEAN_UP_SECONDS = 40
BASE = "python:3.13-slim"


@dataclass(frozen=True)
class Foreign:
    """Things of somebody else, with names that look like ours: kind and what `docker inspect` calls each."""

    things: tuple[tuple[str, str], ...]

    def seen(self) -> list[str]:
        """Identity and state of each, as Docker tells it now. Fails when one is gone."""
        return [_essence(kind, json.loads(docker(kind, "inspect", name))[0]) for kind, name in self.things]


def _essence(kind: str, told: dict[str, object]) -> str:
    if kind == "container":
        state = dict(told["State"])  # type: ignore[call-overload]  # Docker's own JSON
        return f"{told['Id']} {state['Status']} {state['StartedAt']}"
    return f"{kind} {told.get('Id', told.get('CreatedAt'))}"


@pytest.fixture
def foreign() -> Iterator[Foreign]:
    name = f"axion-foreign-{secrets.token_hex(4)}"
    docker("tag", BASE, f"{name}-api:old")
    docker("network", "create", "--label", "owner=somebody", f"{name}_net")
    docker("volume", "create", "--label", "owner=somebody", f"{name}_data")
    run = ("run", "--detach", "--network", f"{name}_net", "--volume", f"{name}_data:/data")
    docker(*run, "--name", f"{name}-up", "--label", f"com.docker.compose.project={name}", BASE, "sleep", "3600")
    docker(*run, "--name", f"{name}-down", "--label", "com.docker.compose.service=api", BASE, "true")
    docker("wait", f"{name}-down")
    yield Foreign(
        things=(
            ("image", f"{name}-api:old"),
            ("network", f"{name}_net"),
            ("volume", f"{name}_data"),
            ("container", f"{name}-up"),
            ("container", f"{name}-down"),
        )
    )
    docker("rm", "--force", f"{name}-up", f"{name}-down")
    docker("network", "rm", f"{name}_net")
    docker("volume", "rm", f"{name}_data")
    docker("image", "rm", f"{name}-api:old")


def images_of(project: str) -> set[str]:
    return set(docker("images", "--quiet", "--no-trunc", "--filter", f"label=axion.project={project}").split())


# A hundred take a while where the machine is busy with other things.
@pytest.mark.timeout(600)
def test_a_hundred_deployments_leave_others_alone(
    control_plane: ControlPlane, foreign: Foreign, tmp_path: Path
) -> None:
    before = foreign.seen()
    code = {name: server_code(text=name) for name in ("web", "api")}
    folder = write_project(tmp_path, name="Busy", graph=two_services(lives_long=True), code=code, retention=KEPT)
    project = control_plane.import_project(folder)
    used: list[str] = []
    for version, times in enumerate(DEPLOYMENTS):
        control_plane.put_code(project, node_id("api"), server_code(text=f"version {version}"))
        asked = [control_plane.deploy(project) for _ in range(times)]
        ended = [control_plane.wait_for_end(each, seconds=120)["status"] for each in asked]
        assert set(ended) == {3}
        used.append(docker_view.containers(project)["api"]["Image"])
    assert len(set(used)) == len(DEPLOYMENTS)
    # The first deployment's files still run `web`, so what belongs to it stays; what came between goes.
    wait_for(
        lambda: images_of(project).isdisjoint(used[1:-KEPT]),
        seconds=CLEAN_UP_SECONDS,
        what="the clean-up",
        details=control_plane.tails,
    )
    assert {docker_view.containers(project)["web"]["Image"], *used[-KEPT:]} <= images_of(project)
    back = control_plane.api(f"deployments/{asked[-1]}/rollback", send={}).member("deployment")["id"]
    assert control_plane.wait_for_end(str(back))["status"] == 3
    assert docker_view.containers(project)["api"]["Image"] == used[-KEPT]
    control_plane.remove(project)
    assert foreign.seen() == before
