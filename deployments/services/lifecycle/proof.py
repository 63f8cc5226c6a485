"""Whether what an agent reports proves what it says: held against what was ordered. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from agents.types import CommandFinished
from deployments.services.lifecycle.observations import RUNNING
from deployments.types import DeploymentRecord, ServiceState

HEALTHY = frozenset({"healthy", "none"})
# What the agent says no to before it touches anything: the order itself, and images that are not there. One that was
# started again in the middle may find an image gone after it had touched containers, and says that.
UNTOUCHED = frozenset({"refused", "image"})


def doubt_of_success(
    *, deployment: DeploymentRecord, finished: CommandFinished, pinned_images: Mapping[str, str]
) -> str | None:
    """Return what is missing for a success, None when all is proven.

    Every service that was ordered runs, healthy, in as many copies as ordered, at a known image, which is the very one
    where the order named it (`pinned_images`, by service); and the agent reports no other service. `deployment` holds
    its services as this report leaves them.
    """
    ordered = {service.name for service in deployment.services}
    strangers = sorted({service.service_name for service in finished.services} - ordered)
    if strangers:
        return f"the agent reports {strangers[0]}, which was not ordered."
    doubts = (_doubt_of_service(service, pinned_images=pinned_images) for service in deployment.services)
    return next(filter(None, doubts), None)


def _doubt_of_service(service: ServiceState, *, pinned_images: Mapping[str, str]) -> str:
    if service.state != RUNNING or service.health not in HEALTHY:
        return f"{service.name} is {service.state} ({service.health})."
    if not service.image_digest:
        return f"the image of {service.name} is not known."
    if service.image_digest != pinned_images.get(service.name, service.image_digest):
        return f"{service.name} runs {service.image_digest}, but {pinned_images[service.name]} was ordered."
    if service.healthy_replicas < service.replicas:
        return f"{service.name} has {service.healthy_replicas} of {service.replicas} copies."
    return ""


def former_runs(finished: CommandFinished) -> bool:
    """Return whether what ran before runs still or again: the agent has proven it, or it touched nothing at all."""
    return finished.previous_stack_running or (finished.reason in UNTOUCHED and not finished.touched)
