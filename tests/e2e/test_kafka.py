"""The whole way over Kafka: another service of the platform asks, Docker runs it, and the consumer dies meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from axion_deploy.demo.http import ask
from deployments.kafka_api.handlers import PATTERNS, PREFIX
from tests.e2e import docker_view
from tests.e2e.control_plane import ControlPlane, wait_for, write_project
from tests.e2e.graphs import node_id, server_code, two_services
from tests.kafka_api.groups import new_group
from tests.kafka_api.wire import Caller
from tests.servers.own_kafka import OwnKafka
from tests.stream.topic import events_on

pytestmark = [pytest.mark.docker, pytest.mark.slow]

REQUESTS = 8
SUCCESS, FAILED, ROLLED_BACK = 3, 4, 6
# The group gives a dead member's partitions away when its session has ended.
REJOIN_SECONDS = 60.0


@dataclass
class Platform:
    """Another service of the platform, on behalf of the plane's user."""

    plane: ControlPlane
    caller: Caller

    def send(self, action: str, *, request_id: str = "", **fields: Any) -> str:
        """Returns the correlation id."""
        metadata = {"sessionToken": str(self.plane.bootstrap["api_token"]), "requestId": request_id}
        return self.caller.send(PREFIX + action, {"metadata": metadata, **fields})

    def ask(self, action: str, **fields: Any) -> dict[str, Any]:
        """The reply, which must be a success."""
        return self.replies_to(self.send(action, **fields))[0]

    def send_deploy(self, project: str, *, request_id: str) -> str:
        return self.send(
            "deployProject", request_id=request_id, projectId=project, serverId=str(self.plane.bootstrap["server"])
        )

    def replies_to(self, correlation_id: str) -> list[dict[str, Any]]:
        """All of them, once there is one."""
        self.caller.wait(correlation_id, seconds=REJOIN_SECONDS)
        found = [reply.body for reply in self.caller.replies if self.caller.is_for(reply, correlation_id)]
        assert {body["status"] for body in found} == {1}, found
        return found

    def status(self, deployment: str) -> int:
        return int(self.ask("getDeploymentStatus", deploymentId=deployment)["data"]["status"])

    def wait_for(self, status: int, deployment: str) -> None:
        wait_for(
            lambda: self.status(deployment) == status,
            seconds=90,
            what=f"status {status} of {deployment}",
            details=self.plane.tails,
        )


@pytest.fixture
def platform(tmp_path: Path, own_kafka: OwnKafka) -> Iterator[Platform]:
    settings = {"KAFKA_BROKERS": own_kafka.address, "AXION_KAFKA_GROUP": new_group(own_kafka.address)}
    plane, caller = ControlPlane(folder=tmp_path / "plane", settings=settings), Caller(own_kafka.address)
    try:
        plane.start()
        plane.start_consumer()
        caller.listen(*PATTERNS)
        yield Platform(plane=plane, caller=caller)
    finally:
        caller.close()
        plane.stop()


def ask_while_the_consumer_dies(platform: Platform, project: str) -> list[str]:
    """Deployments, one for each request, each request sent twice, as callers do who lose their patience."""
    asked: list[list[str]] = []
    for number in range(REQUESTS):
        asked.append([platform.send_deploy(project, request_id=f"click {number}") for _ in range(2)])
        platform.caller.producer.flush()
        if number == REQUESTS // 2:
            platform.plane.kill("consumer")
    platform.plane.restart("consumer")
    made = [
        {body["deployment"]["id"] for correlation_id in both for body in platform.replies_to(correlation_id)}
        for both in asked
    ]
    assert [len(ids) for ids in made] == [1] * REQUESTS
    return [ids.pop() for ids in made]


def check_events(platform: Platform, own_kafka: OwnKafka, *deployments: str) -> None:
    """The topic tells each one's stored history, in order and without a gap."""

    def all_out() -> bool:
        told = ask(f"{platform.plane.addresses.url}/healthz/events").member("kafka")
        return bool(told) and told["waiting"] == 0

    wait_for(all_out, seconds=30, what="the events", details=platform.plane.tails)
    published: dict[str, dict[str, Any]] = {event["id"]: event for event in events_on(own_kafka.address)}
    for deployment in deployments:
        stored = platform.plane.events(deployment)
        heard = [event for event in published.values() if event["deploymentId"] == deployment]
        assert heard == [{"schemaVersion": 1, **event, "payloadOmitted": False} for event in stored]
        assert [event["sequence"] for event in heard] == list(range(1, len(heard) + 1))


@pytest.mark.timeout(300)
def test_deploying_cancelling_and_rolling_back_while_the_consumer_is_killed(
    platform: Platform, own_kafka: OwnKafka, tmp_path: Path
) -> None:
    plane = platform.plane
    code = {"web": server_code(text="web"), "api": server_code(text="first")}
    project = plane.import_project(write_project(tmp_path / "p", name="Asked", graph=two_services(), code=code))
    first = platform.replies_to(platform.send_deploy(project, request_id="first"))[0]["deployment"]["id"]
    platform.wait_for(SUCCESS, first)

    # Nobody starts what is asked for, so that it can still be cancelled when the consumer is back.
    plane.kill("worker")
    plane.put_code(project, node_id("api"), server_code(text="second"))
    *others, last = ask_while_the_consumer_dies(platform, project)
    for deployment in others:
        platform.ask("cancelDeployment", deploymentId=deployment)
    assert {platform.status(deployment) for deployment in others} == {FAILED}
    plane.restart("worker")
    platform.wait_for(SUCCESS, last)
    assert "second starts" in docker_view.said(project, "api")

    rollback = platform.ask("rollbackDeployment", deploymentId=last)["deployment"]["id"]
    platform.wait_for(SUCCESS, rollback)
    assert platform.status(last) == ROLLED_BACK
    assert "first starts" in docker_view.said(project, "api")
    check_events(platform, own_kafka, first, *others, last, rollback)
    listed = platform.ask("listDeployments", projectId=project)["data"]
    assert listed["pagination"]["total"] == 1 + REQUESTS + 1
