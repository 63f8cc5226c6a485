"""What a Swarm's manager answers, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.runner.commands.swarm.swarm_model import (
    LABEL_NUMBER,
    NAMESPACE,
    READY,
    RUNNING,
    SwarmNode,
    SwarmService,
    SwarmTask,
)
from agents.runner.planning.docker_times import epoch_ms
from agents.runner.planning.model import LABEL_DEPLOYMENT, LABEL_HASH, LABEL_LANE, LABEL_PROJECT

# A node's state until it speaks to a new leader.
UNKNOWN = "unknown"


def service_of(found: Mapping[str, Any]) -> SwarmService:
    spec = found["Spec"]
    labels = spec.get("Labels") or {}
    container = spec["TaskTemplate"].get("ContainerSpec") or {}
    update = found.get("UpdateStatus") or {}
    number = str(labels.get(LABEL_NUMBER, ""))
    return SwarmService(
        id=found["ID"],
        name=spec["Name"].removeprefix(f"{labels.get(NAMESPACE, '')}_"),
        full_name=spec["Name"],
        image=container.get("Image", ""),
        project_id=labels.get(LABEL_PROJECT, ""),
        lane=labels.get(LABEL_LANE, ""),
        owner=(container.get("Labels") or {}).get(LABEL_DEPLOYMENT, ""),
        content_hash=labels.get(LABEL_HASH, ""),
        number=int(number) if number.isdigit() else 0,
        replicas=int(((spec.get("Mode") or {}).get("Replicated") or {}).get("Replicas") or 0),
        update_state=update.get("State", ""),
        update_message=update.get("Message", ""),
    )


def task_of(found: Mapping[str, Any]) -> SwarmTask:
    status = found.get("Status") or {}
    container = found["Spec"].get("ContainerSpec") or {}
    run = status.get("ContainerStatus") or {}
    return SwarmTask(
        id=found["ID"],
        service_id=found.get("ServiceID", ""),
        state=status.get("State", ""),
        wanted=found.get("DesiredState") in {RUNNING, READY},
        image=container.get("Image", ""),
        owner=(container.get("Labels") or {}).get(LABEL_DEPLOYMENT, ""),
        node_id=found.get("NodeID", ""),
        error=status.get("Err", ""),
        container_id=run.get("ContainerID", ""),
        exit_code=int(run.get("ExitCode") or 0),
        changed_at=epoch_ms(status.get("Timestamp") or "0001") / 1000,
    )


def node_of(found: Mapping[str, Any]) -> SwarmNode:
    spec = found.get("Spec") or {}
    name = (found.get("Description") or {}).get("Hostname", "")
    state = (found.get("Status") or {}).get("State", "")
    return SwarmNode(
        id=found["ID"],
        name=name or found["ID"],
        is_ready=state == READY,
        is_active=spec.get("Availability") == "active",
        is_manager=spec.get("Role") == "manager",
        is_heard=state != UNKNOWN,
    )
