"""Whether what an agent calls a success is one: held against what was ordered."""

from __future__ import annotations

from collections.abc import Mapping

from agents import gateway
from agents.types import CommandFinished, DeployCommand
from deployments.services.lifecycle import finish, observations
from deployments.types import DeploymentRecord, ServiceState

HEALTHY = frozenset({"healthy", "none"})


def doubt(*, deployment: DeploymentRecord, said: CommandFinished) -> str | None:
    """Return what is missing for a success, None when all is proven.

    Every service that was ordered runs, healthy, in as many copies as ordered, at a known image, which is the very one
    where the order named it; and the agent tells of no other service. `deployment`: with what was seen of its services.
    """
    order = gateway.find(command_id=finish.deploy_command_id(deployment.id)).command
    pinned = order.pinned_images if isinstance(order, DeployCommand) else {}
    strangers = sorted({each.service_name for each in said.services} - {each.name for each in deployment.services})
    if strangers:
        return f"the agent tells of {strangers[0]}, which was not ordered."
    return next((found for each in deployment.services if (found := _missing(each, pinned=pinned))), None)


def _missing(service: ServiceState, *, pinned: Mapping[str, str]) -> str:
    if service.state != observations.RUNNING or service.health not in HEALTHY:
        return f"{service.name} is {service.state} ({service.health})."
    if not service.image_digest:
        return f"the image of {service.name} is not known."
    if service.image_digest != pinned.get(service.name, service.image_digest):
        return f"{service.name} runs {service.image_digest}, but {pinned[service.name]} was ordered."
    if service.healthy_replicas < service.replicas:
        return f"{service.name} has {service.healthy_replicas} of {service.replicas} copies."
    return ""
