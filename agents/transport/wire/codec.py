"""Dataclasses to protobuf and back: the only module that knows both."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.json_format import MessageToDict

from agents.command_types import InspectHostCommand
from agents.contracts import runner_pb2
from agents.contracts.version import PROTOCOL
from agents.errors import NotFound
from agents.limits import MAX_IMAGES, MAX_NAME_BYTES
from agents.reports.report_bounds import IMAGE_ID, bound_report, cut
from agents.retention import Retention
from agents.states import CommandOutcome, CommandStage
from agents.transport.wire import orders, reach, swarms
from agents.types import (
    AgentHealth,
    AgentInfo,
    BuildCommand,
    CheckReachCommand,
    CheckRegistryCommand,
    CommandData,
    CommandFinished,
    DeleteVolumeCommand,
    DeployCommand,
    LogWritten,
    Report,
    ReportBody,
    RestoreStarted,
    RevertCommand,
    ServiceObserved,
    StageReached,
    SwarmCommand,
    Unknown,
)

KNOWN_STAGES = frozenset(int(each) for each in CommandStage)
KNOWN_OUTCOMES = frozenset(int(each) for each in CommandOutcome)
MAX_ENGINE_ID = 64


def id_from_wire(text: str) -> UUID:
    """Read an id. Raises NotFound for what is not one: there is nothing by that name."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound from error


# ---- down ----


def command_to_wire(data: CommandData) -> runner_pb2.ToAgent:
    command = runner_pb2.Command(
        command_id=str(data.id),
        lane=data.lane,
        number=data.number,
        deployment_id=str(data.deployment_id),
        project_id=str(data.project_id),
        last_report_number=data.last_report_number,
    )
    if isinstance(data.command, DeployCommand):
        command.deploy.CopyFrom(orders.deploy_to_wire(data.command))
    elif isinstance(data.command, DeleteVolumeCommand):
        order = runner_pb2.DeleteVolume(stack_name=data.command.stack_name, volume_name=data.command.volume_name)
        command.delete_volume.CopyFrom(order)
    elif isinstance(data.command, SwarmCommand):
        command.swarm.CopyFrom(swarms.change_to_wire(data.command))
    elif isinstance(data.command, CheckReachCommand):
        command.check_reach.CopyFrom(reach.check_to_wire(data.command))
    elif isinstance(data.command, InspectHostCommand):
        command.inspect_host.SetInParent()
    elif isinstance(data.command, CheckRegistryCommand):
        asked = runner_pb2.CheckRegistry(address=data.command.address, namespace=data.command.namespace)
        command.check_registry.CopyFrom(asked)
    elif isinstance(data.command, BuildCommand):
        command.build.CopyFrom(orders.build_to_wire(data.command))
    elif isinstance(data.command, RevertCommand):
        command.revert.CopyFrom(orders.revert_to_wire(data.command))
    return runner_pb2.ToAgent(command=command)


def reports_acknowledged(*, command_id: UUID, number: int) -> runner_pb2.ToAgent:
    stored = runner_pb2.ReportsAcknowledged(command_id=str(command_id), number=number)
    return runner_pb2.ToAgent(reports_acknowledged=stored)


def welcome(*, heartbeat_seconds: int, lost_after_seconds: int, ledger_incarnation: UUID) -> runner_pb2.ToAgent:
    return runner_pb2.ToAgent(
        welcome=runner_pb2.Welcome(
            heartbeat_seconds=heartbeat_seconds,
            protocol=PROTOCOL,
            ledger_incarnation=str(ledger_incarnation),
            lost_after_seconds=lost_after_seconds,
        )
    )


def retention_to_wire(retention: Retention) -> runner_pb2.ToAgent:
    stacks = [
        runner_pb2.KeptStack(
            stack_name=stack.stack_name,
            project_id=str(stack.project_id),
            image_ids=list(dict.fromkeys(stack.image_ids)),
            deployment_ids=[str(each) for each in stack.deployment_ids],
            in_cluster=stack.in_cluster,
        )
        for stack in retention.stacks
    ]
    return runner_pb2.ToAgent(retention=runner_pb2.Retention(number=retention.number, stacks=stacks))


# ---- up ----


def missing_from_wire(message: runner_pb2.Inventory) -> tuple[str, ...]:
    """Return the image ids that the host lacks, as many as an honest host may; what is no id is left out."""
    return tuple(each for each in message.missing_image_ids[:MAX_IMAGES] if IMAGE_ID.fullmatch(each))


def report_from_wire(message: runner_pb2.Report, *, agent_id: UUID) -> Report:
    """Read a report. Raises ValueError for what is not one. A body that only a newer agent knows is `Unknown`.

    Cuts what is longer than it may be.
    """
    bound_report(message)
    if message.number < 1:
        raise ValueError("report numbers start at 1")
    return Report(
        command_id=UUID(message.command_id),
        deployment_id=UUID(message.deployment_id),
        agent_id=agent_id,
        number=message.number,
        at=_time_from_wire(message.at_ms),
        body=_body_from_wire(message),
    )


def _time_from_wire(milliseconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("no such time") from error


def _body_from_wire(message: runner_pb2.Report) -> ReportBody:
    match message.WhichOneof("body"):
        case "stage":
            stage = message.stage
            if int(stage.stage) not in KNOWN_STAGES:
                return Unknown(what="stage")
            return StageReached(stage=CommandStage(stage.stage), percent=stage.percent, message=stage.message)
        case "service":
            return _observed_from_wire(message.service)
        case "log":
            log = message.log
            return LogWritten(service_name=log.service_name, source=log.source, text=log.text)
        case "restore_started":
            restore = message.restore_started
            return RestoreStarted(
                reason=restore.reason,
                message=restore.message,
                failed_service=restore.failed_service,
                log_tail=tuple(restore.log_tail),
            )
        case "finished":
            return _finished_from_wire(message.finished)
    return Unknown(what="body")


def _observed_from_wire(message: runner_pb2.ServiceObserved) -> ServiceObserved:
    return ServiceObserved(
        node_id=message.node_id,
        service_name=message.service_name,
        state=message.state,
        health=message.health,
        image=message.image,
        image_digest=message.image_digest,
        container_ids=tuple(message.container_ids),
        replicas=message.replicas,
        healthy_replicas=message.healthy_replicas,
        error_message=message.error_message,
        image_volumes=tuple(message.image_volumes),
        settings=dict(message.settings),
        shown=dict(message.shown),
        started=message.started,
    )


def _finished_from_wire(message: runner_pb2.CommandFinished) -> CommandFinished:
    known = int(message.outcome) in KNOWN_OUTCOMES
    # The command has ended, somehow: that must not wait for a deadline, and is no success.
    unknown = f"The agent ended with an outcome that this control plane does not know ({message.outcome})."
    return CommandFinished(
        outcome=CommandOutcome(message.outcome) if known else CommandOutcome.FAILED,
        reason=message.reason if known else "internal",
        message=message.message if known else f"{unknown} {message.message}".strip(),
        failed_service=message.failed_service,
        log_tail=tuple(message.log_tail),
        services=tuple(_observed_from_wire(service) for service in message.services),
        previous_stack_running=message.previous_stack_running,
        volumes_left=tuple(message.volumes_left),
        touched=message.touched,
        swarm_id=message.swarm_id,
        swarm_node_id=message.swarm_node_id,
        endpoints=reach.reached_from_wire(message.endpoints),
    )


def info_from_wire(message: runner_pb2.AgentInfo) -> AgentInfo:
    server = MessageToDict(message.server_info, preserving_proto_field_name=True)
    return AgentInfo(
        version=name_from_wire(message.version),
        os=name_from_wire(message.os),
        architecture=name_from_wire(message.architecture),
        server_info={key: name_from_wire(value) if isinstance(value, str) else value for key, value in server.items()},
    )


def name_from_wire(text: str) -> str:
    return cut(text, MAX_NAME_BYTES)


def health_from_wire(message: runner_pb2.AgentHealth) -> AgentHealth:
    """Read the health. JSON knows no infinite numbers, and one agent's must not spoil the statement that writes all."""
    return AgentHealth(
        cpu_usage=message.cpu_usage if math.isfinite(message.cpu_usage) else 0.0,
        memory_usage=message.memory_usage,
        disk_usage=message.disk_usage,
        active_containers=message.active_containers,
        last_heartbeat=message.last_heartbeat,
        engine_id=cut(message.engine_id, MAX_ENGINE_ID),
    )
