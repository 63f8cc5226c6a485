"""How services of a Swarm are told to the control plane, in the words of runner.proto. Pure."""

from __future__ import annotations

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.swarm.swarm_model import ENDED, Seen, StackTarget, SwarmTask, digest_of
from agents.runner.planning.codec import COMPOSE_FILE
from agents.runner.planning.model import HEALTHY, RUNNING, Release, WantedService
from agents.runner.planning.observed import step
from agents.runner.planning.stackfile import read_stack

STARTING = frozenset({"starting", "preparing", "ready", "accepted", "assigned"})


def describe(*, service: WantedService, seen: Seen, target: StackTarget) -> pb.ServiceObserved:
    """Return the service as its tasks at the target show it; those on nodes that are down do not count as running."""
    name = service.name
    at_target = [
        task
        for task in seen.tasks_of(name)
        if task.owner == target.owners.get(name) and task.image == target.images.get(name)
    ]
    wanted = [task for task in at_target if task.wanted]
    up = [task for task in wanted if seen.is_up(task)]
    if not at_target:
        return step(service, "waiting")
    whole = len(up) == service.replicas
    healthy = HEALTHY if service.has_health_check else "none"
    return pb.ServiceObserved(
        node_id=service.node_id,
        service_name=name,
        state=RUNNING if whole else _state(seen, wanted, at_target),
        health=healthy if whole else "starting",
        image=service.image,
        image_digest=digest_of(target.images[name]),
        container_ids=sorted(task.container_id for task in up if task.container_id),
        replicas=service.replicas,
        healthy_replicas=len(up),
        error_message="" if whole else _error(wanted),
    )


def _state(seen: Seen, wanted: list[SwarmTask], at_target: list[SwarmTask]) -> str:
    if any(task.state in STARTING for task in wanted):
        return "starting"
    if any(task.state in ENDED for task in at_target):
        return "restarting"
    return "running" if any(seen.is_up(task) for task in wanted) else "waiting"


def _error(wanted: list[SwarmTask]) -> str:
    return next((task.error for task in wanted if task.error), "")


def describe_all(*, target: StackTarget, seen: Seen) -> list[pb.ServiceObserved]:
    return [describe(service=service, seen=seen, target=target) for service in target.services]


def networks_of(release: Release) -> list[str]:
    """Return the networks of the release's file, by its own words for them."""
    return list(read_stack(release.files[COMPOSE_FILE]).get("networks") or ())
