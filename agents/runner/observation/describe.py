"""What `docker inspect` says of a container, as the control plane is told of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.contracts import runner_pb2 as pb
from agents.limits import MAX_NAME_BYTES, MAX_WORD_BYTES
from agents.reports.report_bounds import cut
from agents.runner.planning.container_settings import hashed_settings, shown_settings
from agents.runner.planning.docker_times import epoch_ms
from agents.runner.planning.model import (
    COMPOSE_PROJECT,
    COMPOSE_SERVICE,
    LABEL_DEPLOYMENT,
    LABEL_LANE,
    LABEL_NODE,
    LABEL_PROJECT,
)

# Docker starts such containers again whenever they end by themselves.
RESTARTS_ITSELF = frozenset({"always", "unless-stopped"})


def describe(inspected: Mapping[str, Any], *, key: bytes, memory_kill_ms: int = 0) -> pb.ContainerSeen:
    """Return the container without any value of its environment: its settings are hashes under `key`.

    `memory_kill_ms`: when Docker's events told that it was killed for lack of memory, which is forgotten in the state
    of one that was started again.
    """
    state, labels = inspected["State"], inspected["Config"].get("Labels") or {}
    policy = (inspected["HostConfig"].get("RestartPolicy") or {}).get("Name", "")
    return pb.ContainerSeen(
        id=inspected["Id"],
        name=cut(inspected["Name"].lstrip("/"), MAX_NAME_BYTES),
        stack_name=cut(labels.get(COMPOSE_PROJECT, ""), MAX_NAME_BYTES),
        project_id=cut(labels.get(LABEL_PROJECT, ""), MAX_WORD_BYTES),
        lane=cut(labels.get(LABEL_LANE, ""), MAX_NAME_BYTES),
        deployment_id=cut(labels.get(LABEL_DEPLOYMENT, ""), MAX_WORD_BYTES),
        node_id=cut(labels.get(LABEL_NODE, ""), MAX_NAME_BYTES),
        service_name=cut(labels.get(COMPOSE_SERVICE, ""), MAX_NAME_BYTES),
        image_id=inspected["Image"],
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", "none"),
        exit_code=state["ExitCode"],
        oom_killed=bool(state.get("OOMKilled")),
        restarts=inspected["RestartCount"],
        started_at_ms=epoch_ms(state["StartedAt"]),
        finished_at_ms=epoch_ms(state["FinishedAt"]),
        restarts_itself=policy in RESTARTS_ITSELF,
        settings=hashed_settings(inspected, key=key),
        shown=shown_settings(inspected),
        memory_kill_at_ms=memory_kill_ms or (epoch_ms(state["FinishedAt"]) if state.get("OOMKilled") else 0),
    )
