"""What is done to containers behind our back, over all processes: drawn on an open page, repaired, and quiet after.

The seconds are printed (`-s`): promised are five each, asserted is only that it comes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, LiteralString

import pytest

from tests.deployments.notifications.receivers import Inbox, http_receiver
from tests.e2e.control_plane import ControlPlane, wait_for, write_project
from tests.e2e.graphs import node
from tests.e2e.observing.page import Page
from tests.e2e.observing.scene import CONTAINERS, IMAGE, RENEWED, Fault, Scene, agent_on_small_disk, docker, faults

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(180 + 10 * CONTAINERS)]
IDLE_SECONDS = float(os.environ.get("AXION_TEST_IDLE_SECONDS", "4"))


@pytest.fixture(scope="module")
def scene(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with agent_on_small_disk(control_plane) as disk:
        made = Scene(plane=control_plane, folder=tmp_path_factory.mktemp("scene"), disk=disk)
        yield made
        made.close()


def draw(page: Page, table: list[Fault], *, alone: bool = False) -> None:
    """Let all begin, see each drawn; then let those end that can, and see each gone."""
    began = {}
    for fault in table:
        fault.begin()
        began[fault.name] = time.monotonic()
    for fault in table:
        told = page.becomes(fault.shown, what=fault.name)
        sys.stdout.write(f"{fault.name}: drawn after {told - began[fault.name]:.1f} s at most\n")
    ended = {}
    for fault in table:
        if fault.end is not None:
            fault.end()
            ended[fault.name] = time.monotonic()
    for fault in table:
        if fault.end is not None:
            told = page.becomes(fault.over, what=f"the end of: {fault.name}")
            sys.stdout.write(f"{fault.name}: gone after {told - ended[fault.name]:.1f} s at most\n")


def test_every_fault_is_drawn_and_what_differs_is_repaired(scene: Scene) -> None:
    plane, page = scene.plane, scene.page
    table = faults(scene)
    draw(page, table)
    # Docker has started it again since, and forgotten why it ended.
    eater = scene.container("eat")["Name"].lstrip("/")
    wait_for(lambda: eater in scene.memory_kills(), seconds=60, what="the mark of the kill", details=plane.tails)
    # What keeps ending is left to the repair, as what was removed is.
    docker("rm", "--force", *(scene.container(name)["Id"] for name in ("crash", "eat")))
    page.becomes(lambda: {page.state(name) for name in ("rm", "crash", "eat")} == {"gone"}, what="what is missing")
    kept = {name: scene.container(name)["Id"] for name in ("kill", "changed", "sick")}
    where = {"serverId": str(plane.bootstrap["server"])}
    plan = plane.api(f"projects/{scene.project}/repair/plan", send=where).data["data"]["plan"]  # type: ignore[index]
    touched = {each["serviceName"] for each in plan["changes"] if each["action"] != "keep"}
    assert touched == set(RENEWED)
    asked = plane.api(f"projects/{scene.project}/repair", send={**where, "approval": plan["approval"]})
    assert asked.status == 201, asked
    ended = plane.wait_for_end(str(asked.member("deployment")["id"]))
    assert (ended["status"], ended["kind"]) == (3, "repair"), ended
    page.becomes(page.is_well, what="that all is well again")
    assert {name: scene.container(name)["Id"] for name in kept} == kept
    history = plane.api(f"projects/{scene.project}/history").data["data"]  # type: ignore[index]
    assert history["history"][0]["deploymentId"] == ended["id"]


def what_is_told(scene: Scene) -> dict[str, Any]:
    """All that would be another if anybody thought that something happened."""
    sql, project = scene.plane.sql, scene.project
    return {
        "observed": sql("SELECT number, changed_at FROM observed_stacks WHERE project_id = %s", project),
        "events": sql("SELECT sequence, type, payload FROM stack_events WHERE project_id = %s", project),
        "incidents": sql("SELECT cause, updated_at FROM incidents WHERE project_id = %s ORDER BY id", project),
    }


def timeless(message: dict[str, Any]) -> dict[str, Any]:
    """What a page is told, without how old it is: that is said anew from time to time."""
    return {**message, "stacks": {name: {**stack, "seenAt": 0} for name, stack in message["stacks"].items()}}


@contextmanager
def told_by_docker(scene: Scene) -> Iterator[Callable[[], list[str]]]:
    """Give what Docker itself said of changes to the stack's containers since the beginning."""
    wanted = ("die", "kill", "oom", "pause", "rename", "start", "stop", "health_status: unhealthy")
    command = ["docker", "events", "--filter", f"label=axion.project={scene.project}", "--format"]
    with NamedTemporaryFile() as file:
        child = subprocess.Popen([*command, "{{.Action}} {{.Actor.Attributes.name}}"], stdout=file)
        try:
            yield lambda: [line for line in Path(file.name).read_text().splitlines() if line.startswith(wanted)]
        finally:
            child.terminate()
            child.wait()


@pytest.mark.timeout(IDLE_SECONDS + 180)
def test_an_hour_of_idling_shows_no_transition(scene: Scene) -> None:
    """Some seconds of it and ten containers; CONTRIBUTING.md says how it is run whole."""
    plane, page = scene.plane, scene.page

    def quiet() -> bool:
        """The incidents of before are over, and the reconciler has judged what was seen last."""
        judged = plane.sql(
            "SELECT judged_number = number, condition FROM stack_states JOIN observed_stacks"
            " USING (project_id, server_id) WHERE project_id = %s",
            scene.project,
        )
        return judged == [(True, "running")] and not page.messages[-1][1]["incidents"]

    page.becomes(page.is_well, what="that all is well")
    wait_for(quiet, seconds=90, what="the end of what was before", details=plane.tails)
    before, drawn, began = what_is_told(scene), timeless(page.messages[-1][1]), time.monotonic()
    known = len(page.messages)
    with told_by_docker(scene) as changes:
        time.sleep(IDLE_SECONDS)
        # On a busy machine a check may time out: Docker's word then, and not an idle hour.
        assert changes() == []
    assert what_is_told(scene) == before
    assert all(timeless(message) == drawn for _, message in page.messages[known:])
    sys.stdout.write(f"{CONTAINERS} containers idled for {time.monotonic() - began:.0f} s, and nothing was told\n")


@pytest.fixture
def sleepers(control_plane: ControlPlane, tmp_path: Path) -> Iterator[list[str]]:
    """Three stacks of one container each."""
    config = {"image": IMAGE, "command": "sleep infinity", "init": "true"}
    graph = {"nodes": [node("asleep", config=config)], "edges": []}
    projects = [
        control_plane.import_project(write_project(tmp_path / name, name=name, graph=graph, code={}))
        for name in ("One", "Two", "Three")
    ]
    for deployment in [control_plane.deploy(project) for project in projects]:
        assert control_plane.wait_for_end(deployment)["status"] == 3
    yield projects
    for project in projects:
        control_plane.remove(project)


@pytest.fixture
def inbox(control_plane: ControlPlane) -> Iterator[Inbox]:
    """A receiver of the demo's user for what is critical; web process and publisher are started anew for it."""
    plane = control_plane
    with http_receiver() as inbox:
        plane.environment["AXION_NOTIFICATION_HOSTS"] = f"127.0.0.1:{inbox.port}"
        for process in ("web", "publisher"):
            plane.kill(process)
            plane.restart(process)
        wait_for(plane.web_answers, seconds=60, what="the web process", details=plane.tails)
        channel = {"name": "receiver", "kind": "webhook", "address": inbox.url, "causes": ["gone"]}
        made = plane.api("notification-channels", send=channel)
        assert made.status == 201, made
        yield inbox
        plane.sql("DELETE FROM notification_deliveries")
        plane.sql("DELETE FROM notification_channels")


def strike(plane: ControlPlane, process: str) -> None:
    plane.kill(process)
    plane.restart(process)


def test_whoever_is_killed_each_incident_is_told_once(
    control_plane: ControlPlane, sleepers: list[str], inbox: Inbox
) -> None:
    """Every process of ours in turn while stacks break and get well; a receiver drops what it has by its id."""
    plane = control_plane
    stacks = "SELECT count(*) FROM stack_states WHERE condition = %s AND project_id = ANY(%s::uuid[])"
    incidents = "SELECT count(*) FROM incidents WHERE (closed_at IS NULL) = %s AND project_id = ANY(%s::uuid[])"

    def count(statement: LiteralString, value: object) -> int:
        ((number,),) = plane.sql(statement, value, sleepers)
        return int(number)

    def all_delivered() -> bool:
        # The lease of a sender that died is two minutes: here it is over at once.
        plane.sql("UPDATE notification_deliveries SET due_at = now() WHERE state = 'waiting' AND attempts > 0")
        return plane.sql("SELECT count(*) FROM notification_deliveries WHERE state = 'sent'") == [(6,)]

    wait_for(lambda: count(stacks, "running") == 3, seconds=60, what="all to run", details=plane.tails)
    for project, process in zip(sleepers, ("runner", "gateway", "reconciler"), strict=True):
        docker("rm", "--force", docker("ps", "-q", "--filter", f"label=axion.project={project}"))
        strike(plane, process)
    wait_for(lambda: count(incidents, True) == 3, seconds=90, what="three incidents", details=plane.tails)
    asked = []
    for project, process in zip(sleepers, ("worker", "web", "publisher"), strict=True):
        asked.append(plane.deploy(project))
        strike(plane, process)
        wait_for(plane.web_answers, seconds=60, what="the web process", details=plane.tails)
    for deployment in asked:
        assert plane.wait_for_end(deployment)["status"] == 3
    wait_for(lambda: count(incidents, False) == 3, seconds=90, what="their ends", details=plane.tails)
    wait_for(all_delivered, seconds=90, what="all messages", details=plane.tails)
    told = {headers["webhook-id"]: json.loads(body) for headers, body, _ in inbox.requests}
    assert len(told) == 6
    events = plane.sql(
        "SELECT project_id::text, type FROM stack_events"
        " WHERE type LIKE '%%incident%%' AND project_id = ANY(%s::uuid[])",
        sleepers,
    )
    wanted = [(project, f"stack.incident_{end}") for project in sleepers for end in ("opened", "closed")]
    assert sorted(events) == sorted(wanted)
