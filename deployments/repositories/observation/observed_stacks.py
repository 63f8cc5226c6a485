"""What agents see of the stacks on their hosts, as it was told last."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from deployments.models import Deployment, ObservedHost, ObservedStack, ObservedSwarm
from deployments.rules.observed import ObservedContainer


@dataclass(frozen=True, kw_only=True)
class StackRow:
    """The containers of a project on a server, by id; `changed`: service to the moment since when it is as it is.

    `number` rises with every change.
    """

    project_id: UUID
    server_id: UUID
    containers: tuple[ObservedContainer, ...]
    changed: Mapping[str, int]
    number: int


def whole_sessions(*, agent_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return by agent the session that told all of its host last."""
    rows = ObservedHost.objects.filter(agent_id__in=agent_ids)
    return dict(rows.values_list("agent_id", "session_id"))


def note_host(*, agent_id: UUID, session_id: UUID) -> bool:
    """Store that this session has told all of the host; whether another one had before."""
    if ObservedHost.objects.filter(agent_id=agent_id, session_id=session_id).exists():
        return False
    ObservedHost.objects.update_or_create(agent_id=agent_id, defaults={"session_id": session_id, "observed_at": Now()})
    return True


def swarm_session(*, cluster_id: UUID) -> tuple[UUID, int] | None:
    """Return the session that told all of the cluster's tasks last, and how many it left out; None for never."""
    rows = ObservedSwarm.objects.filter(cluster_id=cluster_id)
    return rows.values_list("session_id", "left_out").first()


def note_swarm(*, cluster_id: UUID, session_id: UUID, left_out: int) -> bool:
    """Store that this session has told the cluster's tasks; whether that is news.

    Locks the cluster's row until the caller's transaction ends, so that of two managers' words one is stored at a time.
    """
    facts = {"session_id": session_id, "left_out": left_out}
    row, made = ObservedSwarm.objects.select_for_update().get_or_create(
        cluster_id=cluster_id, defaults={**facts, "observed_at": Now()}
    )
    if not made and (row.session_id, row.left_out) == (session_id, left_out):
        return False
    ObservedSwarm.objects.filter(cluster_id=cluster_id).update(**facts, observed_at=Now())
    return True


def on_server(*, server_id: UUID) -> dict[UUID, StackRow]:
    """Return what was seen on the server, by project."""
    rows = ObservedStack.objects.filter(server_id=server_id)
    return {row.project_id: _stack(row) for row in rows}


def of_projects(*, project_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], StackRow]:
    """Return what was seen of these projects, by project and server."""
    rows = ObservedStack.objects.filter(project_id__in=project_ids)
    return {(row.project_id, row.server_id): _stack(row) for row in rows}


def servers_of(*, project_id: UUID) -> frozenset[UUID]:
    """Return the servers on which something of the project was ever seen."""
    return frozenset(ObservedStack.objects.filter(project_id=project_id).values_list("server_id", flat=True))


def forget_server(*, server_id: UUID) -> None:
    """Drop what was seen on a server, or a cluster, that is being removed."""
    ObservedStack.objects.filter(server_id=server_id).delete()
    ObservedSwarm.objects.filter(cluster_id=server_id).delete()


def of_stack(*, project_id: UUID, server_id: UUID) -> StackRow | None:
    """Return what was seen of the project on the server; None when nothing ever was."""
    row = ObservedStack.objects.filter(project_id=project_id, server_id=server_id).first()
    return _stack(row) if row else None


def number_of(*, project_id: UUID, server_id: UUID) -> int:
    """Return the number of what was seen last of the project on the server; 0 where nothing ever was."""
    rows = ObservedStack.objects.filter(project_id=project_id, server_id=server_id)
    return rows.values_list("number", flat=True).first() or 0


def deployed_there(*, server_id: UUID, project_ids: Collection[UUID]) -> frozenset[UUID]:
    """Of these projects those that were ever deployed to the server or cluster: an agent speaks of no other."""
    found = Deployment.objects.filter(target_id=server_id, project_id__in=project_ids)
    return frozenset(found.values_list("project_id", flat=True).distinct())


def deployed_to(*, project_id: UUID) -> frozenset[UUID]:
    """Return the servers to which the project was ever deployed."""
    found = Deployment.objects.filter(project_id=project_id, server_id__isnull=False).order_by()
    return frozenset(each for each in found.values_list("server_id", flat=True).distinct() if each is not None)


def store(
    *, project_id: UUID, server_id: UUID, containers: Sequence[ObservedContainer], changed: Mapping[str, int]
) -> None:
    """Replace what was seen of the stack. Inside a transaction that holds the agent's row."""
    facts: dict[str, Any] = {
        "containers": [container_to_json(container) for container in containers],
        "changed": dict(changed),
        "changed_at": Now(),
    }
    rows = ObservedStack.objects.filter(project_id=project_id, server_id=server_id)
    if not rows.update(**facts, number=F("number") + 1):
        ObservedStack.objects.create(project_id=project_id, server_id=server_id, number=1, **facts)


def _stack(row: ObservedStack) -> StackRow:
    return StackRow(
        project_id=row.project_id,
        server_id=row.server_id,
        containers=tuple(container_from_json(raw) for raw in row.containers),
        changed=row.changed,
        number=row.number,
    )


def container_to_json(container: ObservedContainer) -> dict[str, Any]:
    return {
        "id": container.id,
        "name": container.name,
        "service": container.service,
        "state": container.state,
        "health": container.health,
        "image": container.image,
        "exitCode": container.exit_code,
        "oomKilled": container.oom_killed,
        "restarts": container.restarts,
        "restartsItself": container.restarts_itself,
        "since": container.since_ms,
        "startedAt": container.started_ms,
        "finishedAt": container.finished_ms,
        "stack": container.stack,
        "settings": dict(container.settings),
        "shown": dict(container.shown),
        **({"host": container.host, "error": container.error} if container.host or container.error else {}),
    }


def container_from_json(raw: Mapping[str, Any]) -> ObservedContainer:
    """From a stored row; what another version stored besides is left alone."""
    return ObservedContainer(
        id=raw["id"],
        name=raw.get("name", ""),
        service=raw.get("service", ""),
        state=raw.get("state", ""),
        health=raw.get("health", "none"),
        image=raw.get("image", ""),
        exit_code=raw.get("exitCode", 0),
        oom_killed=raw.get("oomKilled", False),
        restarts=raw.get("restarts", 0),
        restarts_itself=raw.get("restartsItself", False),
        since_ms=raw.get("since", 0),
        started_ms=raw.get("startedAt", 0),
        finished_ms=raw.get("finishedAt", 0),
        stack=raw.get("stack", ""),
        settings=tuple(sorted(raw.get("settings", {}).items())),
        shown=tuple(sorted(raw.get("shown", {}).items())),
        host=raw.get("host", ""),
        error=raw.get("error", ""),
    )
