"""The whole stack comes back, by itself or by hand, exactly as it ran: Docker and a client are the witnesses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from axion_deploy.embedded.ports import free_port
from tests.e2e.chain import NAMES, chain, code_of, hammering, read, whole
from tests.e2e.control_plane import ControlPlane, wait_for, write_project
from tests.e2e.docker_view import docker, said
from tests.e2e.faults.host import Picture, picture
from tests.e2e.graphs import node_id

pytestmark = [pytest.mark.docker, pytest.mark.slow]
# The agent looks every 30 s.
CHECK_SECONDS = 60


@dataclass
class Row:
    """The project of three services in a row, and a client's way in."""

    plane: ControlPlane
    project: str
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def put(self, version: int, *, unhealthy: str = "") -> None:
        self.plane.put_graph(self.project, chain(port=self.port, unhealthy=unhealthy))
        for name in NAMES:
            code = code_of(name, version=version, healthy=name != unhealthy)
            self.plane.put_code(self.project, node_id(name), code)

    def deploy(self, version: int, *, unhealthy: str = "") -> dict[str, Any]:
        self.put(version, unhealthy=unhealthy)
        return self.plane.wait_for_end(self.plane.deploy(self.project, envVars={"COLOUR": f"colour {version}"}))

    def roll_back(self, deployment: str, **body: str) -> str:
        answer = self.plane.api(f"deployments/{deployment}/rollback", send=body)
        assert answer.status == 201, answer
        return str(answer.member("deployment")["id"])

    def history(self) -> list[dict[str, Any]]:
        answer = self.plane.api(f"projects/{self.project}/history")
        assert answer.status == 200, answer
        return list(answer.member("data")["history"])


@pytest.fixture
def row(control_plane: ControlPlane, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Row]:
    """Version 1 runs."""
    port = free_port()
    code = {name: code_of(name, version=1) for name in NAMES}
    project = control_plane.import_project(
        write_project(tmp_path, name=request.node.name[:80], graph=chain(port=port), code=code)
    )
    row = Row(plane=control_plane, project=project, port=port)
    first = row.deploy(1)
    assert first["status"] == 3, first
    assert read(row.url) == whole(1)
    yield row
    control_plane.remove(project)


def without_deployment(seen: Picture) -> dict[str, Any]:
    """Containers without the label that names the deployment they were started by."""
    return {
        name: (
            each.image,
            each.environment,
            each.command,
            each.networks,
            each.mounts,
            each.state,
            [label for label in each.labels if label[0] == "axion.hash"],
        )
        for name, each in seen.services.items()
    }


def test_one_unhealthy_service_brings_all_three_back(row: Row) -> None:
    before = picture(row.project)
    with hammering(row.url) as client:
        ended = row.deploy(2, unhealthy="back")
        assert (ended["status"], ended["reason"], ended["failedService"]) == (6, "unhealthy", "back"), ended
        seen = len(client.answers)
        wait_for(lambda: len(client.answers) > seen + 20, seconds=30, what="answers after the end")
    assert set(client.answers[seen + 1 :]) == {whole(1)}
    assert client.failures() == [], said(row.project, "gateway")
    after = picture(row.project)
    assert without_deployment(after) == without_deployment(before)
    assert (after.networks, after.volumes, after.ids["gateway"]) == (
        before.networks,
        before.volumes,
        before.ids["gateway"],
    )


def test_a_rollback_by_hand_is_the_old_stack_with_nothing_built(row: Row) -> None:
    before = picture(row.project)
    second = row.deploy(2)
    assert second["status"] == 3, second
    assert read(row.url) == whole(2)
    with hammering(row.url) as client:
        rollback = row.roll_back(second["id"])
        ended = row.plane.wait_for_end(rollback)
        assert ended["status"] == 3, ended
        seen = len(client.answers)
        wait_for(lambda: len(client.answers) > seen + 20, seconds=30, what="answers after the end")
    assert set(client.answers[seen + 1 :]) == {whole(1)}
    assert client.failures() == [], said(row.project, "gateway")
    assert without_deployment(picture(row.project)) == without_deployment(before)
    assert row.plane.get(second["id"])["status"] == 6
    told = [event["payload"] for event in row.plane.events(rollback) if event["type"] == "deployment.log_written"]
    assert not [each for each in told if each["source"] == "build"]
    newest, undone, first = row.history()
    assert [each["kind"] for each in (newest, undone, first)] == ["rollback", "deploy", "deploy"]
    assert [each["rolledBack"] for each in (newest, undone, first)] == [False, True, False]


def test_an_image_deleted_by_hand_is_known_and_a_rollback_to_it_is_refused(row: Row) -> None:
    lost = picture(row.project).services["middle"].image
    second = row.deploy(2)
    assert second["status"] == 3, second
    assert [each["restorable"] for each in row.history()] == [True, True]
    docker("image", "rm", "--force", lost)
    wait_for(
        lambda: not row.history()[1]["restorable"], seconds=CHECK_SECONDS, what="the check", details=row.plane.tails
    )
    assert row.history()[1]["whyNot"] == "Images are no longer on the host: middle."
    before = picture(row.project)
    answer = row.plane.api(f"deployments/{second['id']}/rollback", send={})
    assert answer.status == 409, answer
    assert picture(row.project) == before


def test_a_rollback_that_fails_leaves_what_ran(row: Row) -> None:
    lost = picture(row.project).services["middle"].image
    second = row.deploy(2)
    before = picture(row.project)
    # Nobody starts it until the image is gone, which nobody has noticed yet.
    row.plane.kill("worker")
    row.plane.flush_redis()
    rollback = row.roll_back(second["id"])
    docker("image", "rm", "--force", lost)
    row.plane.restart("worker")
    ended = row.plane.wait_for_end(rollback)
    assert (ended["status"], ended["reason"]) == (4, "image"), ended
    undone = row.plane.get(second["id"])
    assert undone["status"] == 3
    assert "middle" in undone["errorMessage"]
    assert picture(row.project) == before
    assert read(row.url) == whole(2)
