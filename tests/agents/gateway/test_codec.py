"""What comes over the wire, turned into what we store; and commands there and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2
from agents.hello import Hello
from agents.repositories.payloads import from_json, kind_of, to_json
from agents.states import CommandKind, CommandOutcome, CommandStatus
from agents.transport.wire import codec, hellos
from agents.types import (
    AgentCommand,
    CommandData,
    CommandFinished,
    LogWritten,
    RestoreStarted,
    RevertCommand,
    ServiceSpec,
    StageReached,
)
from tests.agents.doubles import deploy

BODIES = {
    "stage": runner_pb2.StageReached(stage="HEALTH_CHECKING", percent=80, message="m"),
    "service": runner_pb2.ServiceObserved(node_id="n", service_name="web", state="running", container_ids=["a"]),
    "log": runner_pb2.LogWritten(service_name="web", source="build", text="t"),
    "restore_started": runner_pb2.RestoreStarted(reason="unhealthy", log_tail=["x"]),
    "finished": runner_pb2.CommandFinished(outcome="RESTORED", reason="build", services=[runner_pb2.ServiceObserved()]),
}


def wire_report(**fields: Any) -> runner_pb2.Report:
    given = {"command_id": str(uuid4()), "deployment_id": str(uuid4()), "number": 1, "at_ms": 1, **fields}
    return runner_pb2.Report(**given)


def test_every_body_of_the_contract_is_understood() -> None:
    oneof = runner_pb2.Report.DESCRIPTOR.oneofs_by_name["body"]
    assert {field.name for field in oneof.fields} == set(BODIES)


@pytest.mark.parametrize("name", BODIES)
def test_no_field_of_a_body_is_lost(name: str) -> None:
    body = codec.report_from_wire(wire_report(**{name: BODIES[name]}), agent_id=uuid4()).body
    assert {field.name for field in BODIES[name].DESCRIPTOR.fields} == set(type(body).__dataclass_fields__)
    for field, value in BODIES[name].ListFields():
        stored = getattr(body, field.name)
        assert len(stored) == 1 if field.is_repeated else stored == value


def test_bodies_are_what_they_say() -> None:
    bodies = [codec.report_from_wire(wire_report(**{name: BODIES[name]}), agent_id=uuid4()).body for name in BODIES]
    assert [type(body) for body in bodies[:1] + bodies[2:]] == [
        StageReached,
        LogWritten,
        RestoreStarted,
        CommandFinished,
    ]
    finished = bodies[-1]
    assert isinstance(finished, CommandFinished)
    assert finished.outcome is CommandOutcome.RESTORED


@pytest.mark.parametrize(
    "fields",
    [
        {"command_id": "x"},
        {"number": 0},
        {"at_ms": 2**62},
    ],
)
def test_what_is_no_report_is_a_value_error(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        codec.report_from_wire(wire_report(**fields), agent_id=uuid4())


def test_text_that_postgresql_cannot_store_is_made_storable() -> None:
    report = codec.report_from_wire(wire_report(log=runner_pb2.LogWritten(text="a\0b")), agent_id=uuid4())
    assert isinstance(report.body, LogWritten)
    assert report.body.text == "a\ufffdb"


def test_what_names_an_engine_is_short_and_can_be_stored() -> None:
    told = runner_pb2.AgentHealth(engine_id="\0" + "x" * 5000)
    name = codec.health_from_wire(told).engine_id
    assert name.startswith("\ufffdxxx")
    assert len(name.encode()) == codec.MAX_ENGINE_ID


@pytest.mark.parametrize("strange", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_know_are_left_out(strange: float) -> None:
    assert codec.health_from_wire(runner_pb2.AgentHealth(cpu_usage=strange)).cpu_usage == 0.0


@pytest.mark.parametrize(
    "command",
    [
        deploy(),
        deploy(force_redeploy=True, services=()),
        deploy(pinned_images={"web": "sha256:1"}),
        RevertCommand(stack_name="s", asked_by="a"),
    ],
)
def test_a_command_survives_the_ledger(command: AgentCommand) -> None:
    assert from_json(kind=kind_of(command), payload=to_json(command)) == command


def test_everything_about_a_service_reaches_the_agent() -> None:
    """Each field of the contract set to something, and named as in our own type."""
    spec = ServiceSpec(
        node_id="n1",
        name="web",
        image="axion/web:1",
        bundle_digest="sha256:ab",
        dockerfile="Dockerfile.web",
        depends_on=("db",),
        has_health_check=True,
        replicas=3,
        content_hash="c0ffee",
        level=2,
        starts_first=True,
        build_folder="services/web",
        build_dockerfile="Dockerfile.prod",
        build_target="final",
        build_args={"A": "b"},
        build_secrets={"npm": "SECRET_WEB_NPM"},
    )
    command = deploy(services=(spec,))
    data = CommandData(
        id=uuid4(),
        agent_id=uuid4(),
        lane="lane",
        number=1,
        deployment_id=uuid4(),
        project_id=uuid4(),
        kind=kind_of(command),
        command=command,
        status=CommandStatus.QUEUED,
        attempts=0,
        queued_at=datetime.now(tz=UTC),
        last_report_number=0,
    )
    told = codec.command_to_wire(data).command.deploy.services[0]
    sent = {field.name: value for field, value in told.ListFields()}
    assert sent.keys() == {field.name for field in runner_pb2.ServiceSpec.DESCRIPTOR.fields}
    assert {name: tuple(value) if name == "depends_on" else value for name, value in sent.items()} == asdict(spec)


def test_an_agent_that_cannot_make_one_service_anew_is_not_sent_the_order() -> None:
    order = deploy(restarts=("web",))
    assert from_json(kind=CommandKind.DEPLOY, payload=to_json(order)) == order
    older, newer = Hello(protocol=3, commands={"deploy": 2}), Hello(protocol=3, commands={"deploy": 3})
    assert "bring the agent up to date" in hellos.not_understood(older, kind=CommandKind.DEPLOY, command=order)
    assert hellos.not_understood(newer, kind=CommandKind.DEPLOY, command=order) == ""
    assert hellos.not_understood(older, kind=CommandKind.DEPLOY, command=deploy()) == ""
