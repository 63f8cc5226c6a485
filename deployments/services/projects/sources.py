"""Own sources: projects, their graphs and their code, filled from the admin, REST or a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from agents.wording.sentences import sentence
from deployments.data.audit_types import AuditAction
from deployments.errors import Conflict, Invalid, NotFound
from deployments.names import usable_name
from deployments.repositories import bundles, projects
from deployments.services.audit.record import record
from deployments.services.permissions import access, quotas
from deployments.services.secrets import variables
from deployments.services.stacks.generation import invalid_graph
from deployments.types import Caller, CodeRecord, GraphRecord, ProjectRecord, Right
from stackgen.code.bundle import canonical_tar
from stackgen.errors import BundleInvalid, GraphInvalid
from stackgen.graph.reader import parse_graph
from stackgen.graph.secrets import split_secrets

SETTINGS = frozenset(
    {
        "concurrency",
        "restore_on_failure",
        "health_deadline",
        "health_window",
        "retention",
        "automatic_repair",
        "repairs_per_hour",
        "soak_minutes",
        "encrypt_networks",
    }
)


def create_project(
    *, caller: Caller, project_id: UUID, name: str, settings: Mapping[str, Any] | None = None
) -> ProjectRecord:
    """Create a project of the caller. Raises Invalid, or Conflict when the caller has one of this name."""
    name, chosen = usable_name(name, what="project"), checked_settings(settings or {})
    quotas.check_project_quota(owner_id=caller.user_id)
    try:
        with transaction.atomic():
            made = projects.create(
                project_id=project_id,
                owner_id=caller.user_id,
                name=name,
                slug=projects.slug_of(name, project_id),
                settings=chosen,
            )
            record(by=caller, action=AuditAction.PROJECT_CREATED, detail=name, project_id=project_id)
            return made
    except IntegrityError as error:
        raise Conflict(
            sentence("You have a project of this name already."), details={"name": sentence("taken")}
        ) from error


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings. Raises Invalid for what is not a setting of a project."""
    if unknown := sorted(set(settings) - SETTINGS):
        raise Invalid(sentence("Unknown setting."), details=dict.fromkeys(unknown, "not a setting of a project"))
    return dict(settings)


def store_graph(*, caller: Caller, project_id: UUID, graph: Mapping[str, Any], patience: float = 0.0) -> GraphRecord:
    """Store the graph as the project's next version, its secret values apart and sealed.

    Waits up to `patience` seconds for an upload of the caller's that is underway. Raises NotFound, Forbidden, TooMuch,
    or Invalid with every problem by node and field; nothing is stored then.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    with quotas.heavy_turn(caller, patience=patience):
        quotas.check_graph_quota(owner_id=project.owner_id)
        return store_checked_graph(project_id=project_id, graph=graph)


def store_checked_graph(*, project_id: UUID, graph: Mapping[str, Any]) -> GraphRecord:
    """Store the graph as the project's next version, for a use case that has checked the caller. Raises Invalid."""
    try:
        parsed = parse_graph(graph)
        split = split_secrets(graph)
    except GraphInvalid as error:
        raise invalid_graph(error) from error
    with transaction.atomic():
        stored = projects.add_graph(project_id=project_id, graph=split.graph)
        variables.store_given(project_id=project_id, values=dict(split.values))
    return replace(stored, warnings=parsed.warnings)


def store_code(*, caller: Caller, project_id: UUID, node_id: str, content: bytes, patience: float = 0.0) -> str:
    """Store a tar as the code of a node; returns its digest. Raises NotFound, Forbidden, TooMuch or Invalid.

    Waits up to `patience` seconds for an upload of the caller's that is underway.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    graph = projects.latest_graph(project_id=project_id)
    known = {str(node["id"]) for node in graph.graph.get("nodes", [])} if graph else set()
    if node_id not in known:
        raise Invalid(
            sentence("The project's graph has no such node."), details={"nodeId": sentence("not in the graph")}
        )
    with quotas.heavy_turn(caller, patience=patience):
        try:
            digest, canonical = canonical_tar(content)
        except BundleInvalid as error:
            raise Invalid(str(error), details={"code": str(error)}) from error
        quotas.check_code_quota(owner_id=project.owner_id, digest=digest, size=len(canonical))
        bundles.keep(project_id=project_id, node_id=node_id, digest=digest, content=canonical)
    return digest


def latest_graph(*, caller: Caller, project_id: UUID) -> GraphRecord | None:
    """Return the newest version of the project's graph, None when there is none. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return projects.latest_graph(project_id=project_id)


def remove_code(*, caller: Caller, project_id: UUID, node_id: str) -> None:
    """Let the node be built from no code of ours. Raises NotFound, also when there is none, or Forbidden."""
    access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    if not bundles.unassign(project_id=project_id, node_id=node_id):
        raise NotFound(sentence("The node has no code."))


def list_code(*, caller: Caller, project_id: UUID) -> tuple[CodeRecord, ...]:
    """Return the code of every node, by node. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return bundles.described(project_id=project_id)


def code_of(*, caller: Caller, project_id: UUID) -> dict[str, str]:
    """Return node id to digest of the code it is built from next. Raises NotFound."""
    access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    return bundles.assigned(project_id=project_id)
