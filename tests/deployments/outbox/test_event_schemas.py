"""What goes out on the topic is what the schemas in the repository say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models.functions import Now
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from agents.models import Agent, Server
from agents.states import CommandOutcome, CommandStage
from agents.types import CommandFinished, LogWritten, Report, ServiceObserved, StageReached
from deployments.data.stack_event_types import StackEventType
from deployments.event_types import EventType
from deployments.kafka import event_stream
from deployments.models import DeploymentEvent, Project, User
from deployments.repositories.records import event_record
from deployments.services.lifecycle import agent_reports, cancel, command_ids, start
from deployments.services.permissions.access import caller_of
from deployments.services.requests.deploy import deploy_project
from deployments.types import DeployRequest, Target, TargetKind
from tests import factories
from tests.factories import NOW, later

SCHEMAS = Path(event_stream.__file__).parents[1] / "schemas"
CONTENTS = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
REGISTRY: Registry[Any] = Registry().with_resources(
    (name, Resource.from_contents(content)) for name, content in CONTENTS.items()
)
GRAPH = {
    "nodes": [{"id": "n-web", "type": 1, "data": {"serviceName": "web", "config": {"image": "caddy:2"}}}],
    "edges": [],
}


def check(value: bytes) -> dict[str, Any]:
    """The message, judged by the schema of its type; one that says more than its schema is refused too."""
    message: dict[str, Any] = json.loads(value)
    schema = CONTENTS[f"{message['type']}.json"]
    Draft202012Validator(schema, registry=REGISTRY, format_checker=FormatChecker()).validate(message)
    assert set(message) <= set(CONTENTS["event.json"]["properties"])
    assert set(message["payload"]) <= set(schema["properties"]["payload"]["properties"])
    return message


def test_every_type_of_event_has_a_schema_and_nothing_else_has() -> None:
    types = {f"{each}.json" for each in (*EventType, *StackEventType)}
    assert set(CONTENTS) == {"event.json", "stack_event.json", *types}
    for content in CONTENTS.values():
        Draft202012Validator.check_schema(content)


def report(deployment_id: UUID, agent: Agent, *, number: int, body: object, command: str = "deploy") -> None:
    command_id = (
        command_ids.deploy_command_id(deployment_id)
        if command == "deploy"
        else command_ids.revert_command_id(deployment_id)
    )
    said = Report(
        command_id=command_id,
        deployment_id=deployment_id,
        agent_id=agent.id,
        number=number,
        at=NOW,
        body=body,  # type: ignore[arg-type]  # the test below names the bodies
    )
    agent_reports.apply_report(report=said, at=NOW)


def long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=3)


def live_through_everything(owner: User, project: Project, server: Server) -> UUID:
    """A deployment that waits, starts, is watched and is cancelled."""
    project.graph_versions.update(graph=GRAPH)
    target = Target(kind=TargetKind.SERVER, id=server.id)
    caller = caller_of(owner)
    request = DeployRequest(project_id=project.id, target=target, env_vars={"API_KEY": "canary"})
    deployment_id = deploy_project(caller=caller, request=request, deployment_id=uuid4(), at=NOW).id
    start.run_deployment(deployment_id=deployment_id, at=NOW)
    agent = factories.make_agent(server, seen=long_ago())
    start.run_deployment(deployment_id=deployment_id, at=later(4))
    Agent.objects.update(last_seen_at=Now())
    start.run_deployment(deployment_id=deployment_id, at=later(5))
    seen = ServiceObserved(node_id="n-web", service_name="web", state="running", health="none", image_digest="sha256:1")
    report(deployment_id, agent, number=1, body=StageReached(stage=CommandStage.DEPLOYING, percent=60))
    report(deployment_id, agent, number=2, body=LogWritten(service_name="web", source="service", text="hello\n"))
    report(deployment_id, agent, number=3, body=seen)
    cancel.cancel_deployment(caller=caller, deployment_id=deployment_id, at=later(9))
    ended = CommandFinished(outcome=CommandOutcome.SUCCEEDED)
    report(deployment_id, agent, number=1, body=ended, command="revert")
    return deployment_id


def test_real_events_are_as_their_schemas_say(owner: User, project: Project, server: Server) -> None:
    deployment_id = live_through_everything(owner, project, server)
    rows = DeploymentEvent.objects.filter(deployment_id=deployment_id).order_by("sequence")
    messages = [check(event_stream.value_of(event_record(row), stream=event_stream.DEPLOYMENTS)) for row in rows]
    assert {message["type"] for message in messages} == {str(each) for each in EventType}
    assert [message["sequence"] for message in messages] == list(range(1, len(messages) + 1))
    assert "canary" not in json.dumps(messages)


def test_an_event_too_large_for_a_broker_goes_without_its_payload(project: Project, server: Server) -> None:
    deployment = factories.make_deployment(project, server)
    row = DeploymentEvent(
        id=uuid4(),
        deployment_id=deployment.id,
        project_id=project.id,
        sequence=1,
        type=EventType.LOG_WRITTEN,
        payload={"serviceName": "web", "source": "service", "text": "x" * event_stream.MAX_BATCH_BYTES},
        created_at=NOW,
    )
    value = event_stream.value_of(event_record(row), stream=event_stream.DEPLOYMENTS)
    assert len(value) < 1000
    assert check(value)["payloadOmitted"] is True


@pytest.mark.parametrize(("sizes", "expected"), [([10, 10], [2]), ([300_000, 300_000, 10], [1, 2]), ([600_000], [1])])
def test_a_round_fits_one_batch(project: Project, server: Server, sizes: list[int], expected: list[int]) -> None:
    deployment = factories.make_deployment(project, server)
    rows = [
        event_record(
            DeploymentEvent(
                id=uuid4(),
                deployment_id=deployment.id,
                project_id=project.id,
                sequence=number,
                type=EventType.LOG_WRITTEN,
                payload={"text": "x" * size},
                created_at=NOW,
            )
        )
        for number, size in enumerate(sizes, start=1)
    ]
    assert [len(each) for each in event_stream.rounds(rows, stream=event_stream.DEPLOYMENTS)] == expected
