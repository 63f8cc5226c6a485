"""What an agent saw of services, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from agents.types import ServiceObserved
from deployments.events import service_changed
from deployments.repositories import deployments, events
from deployments.states import Reason
from deployments.types import DeploymentRecord, ServiceState

RUNNING = "running"
IMAGE_VOLUMES = "imageVolumes"
KNOWN_REASONS = frozenset(reason.value for reason in Reason) - {""}


def reason_of(word: str) -> Reason:
    """The agent's word for what went wrong; one that we do not know counts as internal."""
    return Reason(word) if word in KNOWN_REASONS else Reason.INTERNAL


def observe_services(
    *, deployment: DeploymentRecord, observed: tuple[ServiceObserved, ...], at: datetime
) -> DeploymentRecord:
    """Store what was seen of the services and announce those that changed; returns the deployment as it is then.

    Inside a transaction.
    """
    seen = seen_services(deployment=deployment, observed=observed, at=at)
    changed = [service_changed(new) for old, new in zip(deployment.services, seen.services, strict=True) if old != new]
    if changed:
        deployments.store_services(deployment_id=deployment.id, services=seen.services, at=at)
        events.append(deployment_id=deployment.id, events=changed, at=at)
    if seen.config is not deployment.config:
        deployments.store_config(deployment_id=deployment.id, config=seen.config)
    return seen


def seen_services(
    *, deployment: DeploymentRecord, observed: tuple[ServiceObserved, ...], at: datetime
) -> DeploymentRecord:
    """The deployment as it is after this. Stores nothing."""
    seen = {body.service_name: body for body in observed}
    services = tuple(
        state if state.name not in seen else _state_of(before=state, body=seen[state.name], at=at)
        for state in deployment.services
    )
    return replace(deployment, services=services, config=_with_image_volumes(deployment.config, observed))


def _with_image_volumes(config: Mapping[str, Any], observed: tuple[ServiceObserved, ...]) -> Mapping[str, Any]:
    """They are kept with the configuration, so that history has them, and with that the next plan."""
    known = config.get(IMAGE_VOLUMES, {})
    found = known | {body.service_name: list(body.image_volumes) for body in observed if body.image_volumes}
    return config if found == known else {**config, IMAGE_VOLUMES: found}


def _state_of(*, before: ServiceState, body: ServiceObserved, at: datetime) -> ServiceState:
    return replace(
        before,
        state=body.state,
        health=body.health or "none",
        image=body.image or before.image,
        image_digest=body.image_digest,
        container_ids=tuple(body.container_ids),
        healthy_replicas=body.healthy_replicas,
        error_message=body.error_message,
        deployed_at=before.deployed_at or (at if body.state == RUNNING else None),
    )
