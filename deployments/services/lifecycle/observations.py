"""What an agent saw of services, in our words. Pure, but for what stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agents.types import ServiceObserved
from deployments.event_types import NewEvent, service_changed
from deployments.repositories import deployments
from deployments.states import Reason
from deployments.types import DeploymentRecord, ServiceState

RUNNING = "running"
IMAGE_VOLUMES = "imageVolumes"
KNOWN_REASONS = frozenset(reason.value for reason in Reason) - {""}


def reason_of(word: str) -> Reason:
    """Return our reason for the agent's word for what went wrong; one that we do not know counts as internal."""
    return Reason(word) if word in KNOWN_REASONS else Reason.INTERNAL


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A deployment with its services as they were seen, the events that tell what changed, and the columns that do."""

    deployment: DeploymentRecord
    events: tuple[NewEvent, ...]
    services: tuple[ServiceState, ...] | None
    config: Mapping[str, Any] | None


def columns_for(body: ServiceObserved) -> tuple[str, ...]:
    """Return the large columns of a deployment that storing this changes."""
    return ("service_statuses", "config") if body.image_volumes else ("service_statuses",)


def seen_of(*, deployment: DeploymentRecord, observed: tuple[ServiceObserved, ...], at: datetime) -> Seen:
    """Return what is to be stored of the services as they were seen. Stores nothing."""
    after = with_observed(deployment=deployment, observed=observed, at=at)
    changed = [service_changed(new) for old, new in zip(deployment.services, after.services, strict=True) if old != new]
    return Seen(
        deployment=replace(after, last_sequence=deployment.last_sequence + len(changed)),
        events=tuple(changed),
        services=after.services if changed else None,
        config=after.config if after.config is not deployment.config else None,
    )


def store_seen(seen: Seen, *, at: datetime) -> DeploymentRecord:
    """Store it with its events; return the deployment as it is then. Inside a transaction that holds the row."""
    deployments.store_progress(
        deployment_id=seen.deployment.id,
        last=seen.deployment.last_sequence - len(seen.events),
        at=at,
        announced=seen.events,
        services=seen.services,
        config=seen.config,
    )
    return seen.deployment


def store_observed(
    *, deployment: DeploymentRecord, observed: tuple[ServiceObserved, ...], at: datetime
) -> DeploymentRecord:
    """Store what was seen of the services and announce those that changed; return the deployment as it is then.

    Inside a transaction that holds the row.
    """
    return store_seen(seen_of(deployment=deployment, observed=observed, at=at), at=at)


def with_observed(
    *, deployment: DeploymentRecord, observed: tuple[ServiceObserved, ...], at: datetime
) -> DeploymentRecord:
    """Return the deployment with its services as they were seen. Stores nothing."""
    by_name = {body.service_name: body for body in observed}
    services = tuple(
        state if state.name not in by_name else _state_of(before=state, body=by_name[state.name], at=at)
        for state in deployment.services
    )
    return replace(deployment, services=services, config=_with_image_volumes(deployment.config, observed))


def _with_image_volumes(config: Mapping[str, Any], observed: tuple[ServiceObserved, ...]) -> Mapping[str, Any]:
    # They are part of the configuration, so that history has them, and with that the next plan.
    known = config.get(IMAGE_VOLUMES, {})
    volumes = known | {body.service_name: list(body.image_volumes) for body in observed if body.image_volumes}
    return config if volumes == known else {**config, IMAGE_VOLUMES: volumes}


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
