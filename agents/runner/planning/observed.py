"""How services are told to the control plane: Docker's description in the words of runner.proto. Pure."""

from __future__ import annotations

from agents.contracts import runner_pb2 as pb
from agents.runner.planning.model import (
    HEALTHY,
    RUNNING,
    SOUND,
    UNHEALTHY,
    Container,
    Target,
    WantedService,
    containers_of,
)

STATES = {"created": "starting", "dead": "exited", "removing": "exited", "paused": "exited"}
WORST_HEALTH = (UNHEALTHY, "starting", HEALTHY, "none")
WORST_STATE = ("exited", "restarting", "starting", RUNNING)


def step(service: WantedService, state: str, *, error: str = "") -> pb.ServiceObserved:
    """Return a service that has no container to speak of: waiting, building, built, removed."""
    return pb.ServiceObserved(
        node_id=service.node_id,
        service_name=service.name,
        state=state,
        health="none",
        image=service.image,
        replicas=service.replicas,
        error_message=error,
        image_volumes=service.image_volumes,
    )


def describe(*, service: WantedService, observed: tuple[Container, ...], owner: str) -> pb.ServiceObserved:
    """Return the service as its containers show it; of several, the one that is worst off speaks for all."""
    found = [each for each in containers_of(observed, service.name) if not owner or each.deployment_id == owner]
    if not found:
        return step(service, "waiting")
    states = {STATES.get(each.state, each.state) for each in found}
    healths = {each.health for each in found}
    sound = [each for each in found if each.state == RUNNING and each.health in SOUND]
    return pb.ServiceObserved(
        node_id=service.node_id,
        service_name=service.name,
        state=next((state for state in WORST_STATE if state in states), "exited"),
        health=next((health for health in WORST_HEALTH if health in healths), "none"),
        image=service.image,
        image_digest=found[0].image_id,
        container_ids=[each.id for each in found],
        replicas=service.replicas,
        healthy_replicas=len(sound),
        image_volumes=service.image_volumes,
    )


def describe_all(*, target: Target, observed: tuple[Container, ...]) -> list[pb.ServiceObserved]:
    return [
        describe(service=service, observed=observed, owner=target.owners.get(service.name, ""))
        for service in target.services
    ]
