"""What was proven last in the lanes of many projects at once. Hops through an index: a long history costs no more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from deployments.models import Deployment
from deployments.states import ACTIVE, Kind

_NEWEST = """
SELECT asked.project_id, lane.target_id, newest.deployment_id, deployments.kind,
  servers.id IS NULL AND clusters.id IS NULL, deployments.server_id IS NULL
FROM unnest(%s::uuid[]) AS asked(project_id)
CROSS JOIN LATERAL (
  WITH RECURSIVE hop AS (
    (SELECT target_id FROM deployment_history WHERE project_id = asked.project_id ORDER BY target_id LIMIT 1)
    UNION ALL
    SELECT (SELECT following.target_id FROM deployment_history AS following
            WHERE following.project_id = asked.project_id AND following.target_id > hop.target_id
            ORDER BY following.target_id LIMIT 1)
    FROM hop WHERE hop.target_id IS NOT NULL)
  SELECT target_id FROM hop WHERE target_id IS NOT NULL LIMIT %s
) AS lane
CROSS JOIN LATERAL (
  SELECT deployment_id FROM deployment_history
  WHERE project_id = asked.project_id AND target_id = lane.target_id ORDER BY number DESC LIMIT 1
) AS newest
JOIN deployments ON deployments.id = newest.deployment_id
LEFT JOIN servers ON servers.id = lane.target_id
LEFT JOIN clusters ON clusters.id = lane.target_id
"""
# Where something was started, or failed before its start, and nothing ever succeeded.
_UNPROVEN = """
SELECT asked.project_id, lane.target_id, newest.id, servers.id IS NULL AND clusters.id IS NULL,
  newest.server_id IS NULL
FROM unnest(%s::uuid[]) AS asked(project_id)
CROSS JOIN LATERAL (
  WITH RECURSIVE hop AS (
    (SELECT target_id FROM deployments WHERE project_id = asked.project_id AND start_number IS NOT NULL
     ORDER BY target_id LIMIT 1)
    UNION ALL
    SELECT (SELECT following.target_id FROM deployments AS following
            WHERE following.project_id = asked.project_id AND following.start_number IS NOT NULL
              AND following.target_id > hop.target_id ORDER BY following.target_id LIMIT 1)
    FROM hop WHERE hop.target_id IS NOT NULL)
  (SELECT target_id FROM hop WHERE target_id IS NOT NULL LIMIT %s)
  UNION
  (SELECT target_id FROM deployments WHERE project_id = asked.project_id AND status = 'failed'
   ORDER BY created_at DESC, id DESC LIMIT %s)
) AS lane
CROSS JOIN LATERAL (
  SELECT id, server_id FROM deployments
  WHERE target_id = lane.target_id AND project_id = asked.project_id
  ORDER BY created_at DESC, id DESC LIMIT 1
) AS newest
LEFT JOIN servers ON servers.id = lane.target_id
LEFT JOIN clusters ON clusters.id = lane.target_id
WHERE NOT EXISTS (
  SELECT FROM deployment_history WHERE project_id = asked.project_id AND target_id = lane.target_id)
"""
MAX_FAILED = 20
# Of one project; more has only one where something is wrong.
MAX_SERVERS = 200


@dataclass(frozen=True, kw_only=True)
class ProvenStack:
    """A project on a server or cluster, and the deployment that was proven there last.

    `server_id` is the cluster's where it is `on_cluster`. `stopped`: nothing is meant to run. `removed`: the target is
    not one of ours any more. Not `proven`: nothing ever succeeded there, and `deployment_id` is the newest one that was
    tried.
    """

    project_id: UUID
    server_id: UUID
    deployment_id: UUID
    stopped: bool
    removed: bool = False
    proven: bool = True
    on_cluster: bool = False


def of_projects(*, project_ids: Collection[UUID]) -> tuple[ProvenStack, ...]:
    """Return each stack of these projects on a server or cluster where something was ever proven."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [list(project_ids), MAX_SERVERS])
        return tuple(
            ProvenStack(
                project_id=project,
                server_id=server,
                deployment_id=deployment,
                stopped=kind == Kind.STOP,
                removed=removed,
                on_cluster=on_cluster,
            )
            for project, server, deployment, kind, removed, on_cluster in cursor.fetchall()
        )


def unproven(*, project_ids: Collection[UUID]) -> tuple[ProvenStack, ...]:
    """Return where a server or cluster was tried for one of these projects and nothing ever succeeded."""
    with connection.cursor() as cursor:
        cursor.execute(_UNPROVEN, [list(project_ids), MAX_SERVERS, MAX_FAILED])
        rows = cursor.fetchall()
    return tuple(
        ProvenStack(
            project_id=project,
            server_id=server,
            deployment_id=deployment,
            stopped=True,
            removed=removed,
            proven=False,
            on_cluster=on_cluster,
        )
        for project, server, deployment, removed, on_cluster in rows
    )


def busy(*, project_ids: Collection[UUID]) -> frozenset[tuple[UUID, UUID]]:
    """Return those stacks of these projects, by project and target, on which a deployment is at work."""
    active = Deployment.objects.filter(
        project_id__in=project_ids, status__in=sorted(ACTIVE), rolled_back_by__isnull=True
    )
    return frozenset(active.values_list("project_id", "target_id"))
