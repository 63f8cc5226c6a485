"""What an agent saw of services, in our words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

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
) -> tuple[ServiceState, ...]:
    """Store the states of the observed services and announce those that changed. Inside a transaction."""
    services = seen_services(deployment=deployment, observed=observed, at=at)
    changed = [service_changed(new) for old, new in zip(deployment.services, services, strict=True) if old != new]
    if changed:
        deployments.store_services(deployment_id=deployment.id, services=services, at=at)
        events.append(deployment_id=deployment.id, events=changed, at=at)
    _note_image_volumes(deployment=deployment, observed=observed)
    return services


def seen_services(
    *, deployment: DeploymentRecord, observed: tuple[ServiceObserved, ...], at: datetime
) -> tuple[ServiceState, ...]:
    """The deployment's services as they are after this. Stores nothing."""
    seen = {body.service_name: body for body in observed}
    return tuple(
        state if state.name not in seen else _state_of(before=state, body=seen[state.name], at=at)
        for state in deployment.services
    )


def _note_image_volumes(*, deployment: DeploymentRecord, observed: tuple[ServiceObserved, ...]) -> None:
    """With the configuration, so that history has it, and with that the next plan."""
    known = deployment.config.get(IMAGE_VOLUMES, {})
    found = known | {body.service_name: list(body.image_volumes) for body in observed if body.image_volumes}
    if found != known:
        deployments.store_config(deployment_id=deployment.id, config={**deployment.config, IMAGE_VOLUMES: found})


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
