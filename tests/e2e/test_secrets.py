"""Secrets reach the containers and are nowhere else, whatever becomes of the deployment."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from axion_deploy.embedded.ports import free_port
from tests.deployments.notifications.receivers import http_receiver
from tests.e2e import docker_view
from tests.e2e.canaries import Canary, Frames, found, found_in_files, redis_heard
from tests.e2e.control_plane import ControlPlane, wait_for, write_project
from tests.e2e.graphs import node_id, server_code, two_services
from tests.servers.own_kafka import OwnKafka

pytestmark = [pytest.mark.docker, pytest.mark.slow]
# A program that tells its secrets: what it prints comes back as the log of the failed service.
TELLTALE = "import os\nprint(dict(os.environ), os.environ.get('REQUESTED'), flush=True)\n"
# What only a person on the host knows cannot be masked; it is to be told by no look at the container.
BY_HAND = f"import os, time\nos.environ.pop('BY_HAND')\n{TELLTALE}time.sleep(600)\n"


@pytest.fixture
def plane(tmp_path: Path, own_kafka: OwnKafka) -> Iterator[ControlPlane]:
    settings = {"KAFKA_BROKERS": own_kafka.address, "AXION_METRICS_BIND": f"127.0.0.1:{free_port()}"}
    agent_settings = {"AXION_AGENT__METRICS__BIND": f"127.0.0.1:{free_port()}"}
    plane = ControlPlane(folder=tmp_path / "plane", settings=settings, agent_settings=agent_settings)
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_canary_is_found_in_every_form(before: str) -> None:
    canary = Canary()
    text = before + canary.value + " and more"
    for written in (text, json.dumps(text), quote(text), base64.b64encode(text.encode()).decode(), text.encode().hex()):
        assert found([canary], written.encode()), written
    assert not found([canary], Canary().value.encode())


def graph_with(canary: Canary, *, soon_unhealthy: bool = False) -> dict[str, Any]:
    graph = two_services(soon_unhealthy=soon_unhealthy)
    graph["nodes"][1]["data"]["config"]["secret.IN_GRAPH"] = canary.value
    return graph


def everything_that_happens(
    plane: ControlPlane, frames: Frames, project: str, *, requested: Canary, in_graph: Canary
) -> None:
    """A success, a failure that is put back, a cancel, a rollback by hand, each with the secret values."""
    variables = {"REQUESTED": requested.value}

    def deploy() -> str:
        deployment = plane.deploy(project, envVars=variables)
        address = plane.addresses.url.replace("http", "ws", 1)
        frames.follow(f"{address}/ws/deployments/{deployment}/")
        return deployment

    ended = plane.wait_for_end(deploy())
    assert ended["status"] == 3, ended
    seen = docker_view.containers(project)["api"]["Config"]["Env"]
    assert f"REQUESTED={requested.value}" in seen, "the value did not reach the container"

    broken = server_code(text="broken", healthy=False)
    plane.put_code(project, node_id("api"), {**broken, "app.py": TELLTALE + broken["app.py"]})
    plane.put_graph(project, graph_with(in_graph, soon_unhealthy=True))
    ended = plane.wait_for_end(deploy())
    plane.put_graph(project, graph_with(in_graph))
    assert ended["status"] == 6, ended
    assert any("REQUESTED" in line for line in ended["logTail"]), "the service did not tell its secrets"

    plane.put_code(project, node_id("api"), server_code(text="slow", listens_after=20))
    deployment = deploy()
    wait_for(lambda: "deploying" in str(plane.events(deployment)), seconds=60, what="containers to cancel")
    plane.api(f"deployments/{deployment}/cancel", send={})
    ended = plane.wait_for_end(deployment)
    assert ended["reason"] == "cancelled", ended

    plane.put_code(project, node_id("api"), server_code(text="second"))
    second = deploy()
    assert plane.wait_for_end(second)["status"] == 3
    rollback = plane.api(f"deployments/{second}/rollback", send={}).member("deployment")["id"]
    ended = plane.wait_for_end(str(rollback))
    assert ended["status"] == 3, ended
    assert f"REQUESTED={requested.value}" in docker_view.containers(project)["api"]["Config"]["Env"]


def watch_it(plane: ControlPlane, project: str, requested: Canary, by_hand: Canary, folder: Path) -> None:
    """What runs is changed and removed by hand, its secrets stand in its log, and somebody is told of all that.

    The answers of REST, the metrics and what the receiver got go to the folder.
    """
    api = docker_view.containers(project)["api"]
    network = next(iter(api["NetworkSettings"]["Networks"]))
    labels = [word for name, value in api["Config"]["Labels"].items() for word in ("--label", f"{name}={value}")]
    kept = [word for variable in api["Config"]["Env"] for word in ("--env", variable)]
    docker_view.docker("rm", "--force", api["Id"])
    docker_view.docker("run", "--detach", "--name", api["Name"][1:], "--network", network, *labels, *kept,
                       "--env", f"BY_HAND={by_hand.value}", api["Image"], "python", "-c", BY_HAND)  # fmt: skip

    def said(path: str, name: str) -> str:
        answer = json.dumps(plane.api(path).data)
        (folder / name).write_text(answer)
        return answer

    wait_for(
        lambda: '"env"' in said(f"projects/{project}/lanes", "lanes"), seconds=60, what="drift", details=plane.tails
    )
    assert "REQUESTED" in said(f"projects/{project}/logs", "logs"), "the service did not tell its secrets"
    wait_for(lambda: "api" in said(f"projects/{project}/usage", "usage"), seconds=60, what="samples")
    for bind in (plane.settings["AXION_METRICS_BIND"], plane.agent_settings["AXION_AGENT__METRICS__BIND"]):
        with urllib.request.urlopen(f"http://{bind}/metrics", timeout=30) as metrics:
            (folder / f"metrics-{bind}").write_bytes(metrics.read())
    with http_receiver() as inbox:
        plane.environment["AXION_NOTIFICATION_HOSTS"] = f"127.0.0.1:{inbox.port}"
        for process in ("web", "publisher"):
            plane.kill(process)
            plane.restart(process)
        wait_for(plane.web_answers, seconds=60, what="the web process", details=plane.tails)
        channel = {"name": "mine", "kind": "webhook", "address": f"{inbox.url}/{requested.core}"}
        assert plane.api("notification-channels", send=channel).status == 201
        docker_view.docker("rm", "--force", *docker_view.leftovers(project)["containers"])
        wait_for(lambda: bool(inbox.requests), seconds=90, what="a notification", details=plane.tails)
        (folder / "notifications").write_bytes(b"\n".join(body for _, body, _ in inbox.requests))
    assert "gone" in said(f"incidents?projectId={project}", "incidents")


def database_dump(plane: ControlPlane) -> bytes:
    program = plane.postgres.programs.postgres.with_name("pg_dump")
    dump = subprocess.run(
        [program, plane.postgres.url], capture_output=True, check=True, timeout=60, env={**os.environ}
    )
    return dump.stdout


# Every outcome of a deployment, then what runs: on a loaded machine more than one test usually takes.
@pytest.mark.timeout(420)
def test_no_canary_is_found_outside_the_containers(plane: ControlPlane, own_kafka: OwnKafka, tmp_path: Path) -> None:
    requested, in_graph, by_hand = Canary(), Canary(), Canary()
    graph = graph_with(in_graph)
    project = plane.import_project(
        write_project(
            tmp_path / "p", name="Canaries", graph=graph, code={n: server_code(text=n) for n in ("web", "api")}
        )
    )
    # The directory itself is the user's own copy.
    (tmp_path / "p" / "graph.json").unlink()
    frames = Frames(file=tmp_path / "frames", token=str(plane.bootstrap["api_token"]))
    with redis_heard(plane.redis.url, tmp_path / "redis"):
        frames.follow(f"{plane.addresses.url.replace('http', 'ws', 1)}/ws/projects/{project}/")
        everything_that_happens(plane, frames, project, requested=requested, in_graph=in_graph)
        watch_it(plane, project, requested, by_hand, tmp_path)
    assert len(frames.close()) > 20
    canaries = [requested, in_graph, by_hand]
    dump = database_dump(plane)
    assert b"deployment_events" in dump
    assert found(canaries, dump) == []
    # Logs of all processes, the agent's disk, PostgreSQL's own files, what Redis heard, what sockets received.
    assert found_in_files(canaries, tmp_path) == []
    assert b"canary" not in (tmp_path / "redis").read_bytes()
    assert found_in_files(canaries, own_kafka.folder) == []
