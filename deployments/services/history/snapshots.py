"""What a kept success holds, opened: its services, hashes and values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any
from uuid import UUID

from agents.wording.sentences import sentence
from deployments.errors import Invalid
from deployments.services.secrets import sealing, variables
from deployments.types import ServiceState, Snapshot
from stackgen.output.layout import volume_names
from stackgen.results import StackJob, StackService

KNOWN_FIELDS = frozenset(field.name for field in fields(StackService))


def services_of(config: Mapping[str, Any]) -> tuple[StackService, ...]:
    """Return the services of a stored configuration, in start order, without fields that this version does not know."""
    return tuple(_service(raw) for raw in config.get("services", ()))


def _service(raw: Mapping[str, Any]) -> StackService:
    known = {name: value for name, value in raw.items() if name in KNOWN_FIELDS}
    lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
    return StackService(**{**known, **lists})


def jobs_of(config: Mapping[str, Any]) -> tuple[StackJob, ...]:
    """Return the jobs of a stored configuration; none of one that an older version stored."""
    return tuple(
        StackJob(
            service=_service(raw["service"]),
            repeatable=raw["repeatable"],
            timeout_seconds=raw["timeout_seconds"],
            needs=tuple(raw["needs"]),
            before=tuple(raw["before"]),
            by_hand=raw.get("by_hand", False),
            schedule=raw.get("schedule", ""),
            time_zone=raw.get("time_zone", ""),
            overlap=raw.get("overlap", ""),
        )
        for raw in config.get("jobs", ())
    )


def services_with_volumes(config: Mapping[str, Any]) -> tuple[StackService, ...]:
    """Return the services with the names of their volumes, also of a version that had them in its file alone."""
    text = config.get("dockerComposeYml", "")
    return tuple(
        service if service.volumes else replace(service, volumes=volume_names(text, node_id=service.node_id))
        for service in services_of(config)
    )


def states_of(services: Iterable[StackService]) -> tuple[ServiceState, ...]:
    """Return the states of services that nobody has seen yet."""
    return tuple(
        ServiceState(node_id=service.node_id, name=service.name, image=service.image, replicas=service.replicas)
        for service in services
    )


def values_of(snapshot: Snapshot) -> dict[str, str]:
    """Return all values of the stack. Secret. Raises Invalid when they cannot be opened."""
    try:
        return sealing.unseal_stack(sealed=snapshot.sealed_variables, deployment_id=snapshot.deployment_id)
    except sealing.CannotUnsealError as error:
        raise Invalid(sentence("The values of this version cannot be opened: {error}", error=error)) from error


def env_of(snapshot: Snapshot) -> dict[str, str]:
    """Return the variables that came with its request. Secret. Raises Invalid when they cannot be opened."""
    try:
        return sealing.unseal_env(sealed=snapshot.env_vars, deployment_id=snapshot.deployment_id)
    except sealing.CannotUnsealError as error:
        raise Invalid(sentence("The variables of this version cannot be opened: {error}", error=error)) from error


def hashes_of(snapshot: Snapshot, *, project_id: UUID, values: Mapping[str, str]) -> dict[str, str]:
    """Return the content hash by service as the agent was given it."""
    hashes = snapshot.config.get("hashes")
    if hashes is not None:
        return dict(hashes)
    # An entry of a version that did not store them.
    return variables.content_hashes(project_id=project_id, services=services_of(snapshot.config), values=values)


def node_env_names(config: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the names of the variables that single nodes were given, by node id."""
    names: dict[str, tuple[str, ...]] = {}
    for key in config.get("nodeVariables", {}):
        node_id, _, name = key.rpartition(".")
        names[node_id] = (*names.get(node_id, ()), name)
    return names


def given_to(snapshot: Snapshot) -> dict[str, str]:
    """Return all variables that it was given, those of single nodes by "<node id>.<name>". Secret.

    Raises Invalid when they cannot be opened.
    """
    values = values_of(snapshot)
    of_nodes = snapshot.config.get("nodeVariables", {})
    return {**env_of(snapshot), **{key: values[name] for key, name in of_nodes.items() if name in values}}
