"""Whose a stack on this host is: one lane's at a time, and one project's. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from agents.runner.errors import StepFailedError
from agents.runner.planning.model import CREATED, EXITED, Container, HostContainer, Release

# What is in these states neither runs nor comes back by itself.
ENDED = frozenset({CREATED, EXITED, "dead", "removing"})


def check_claims(
    *,
    release: Release,
    observed: Iterable[Container],
    others: Iterable[HostContainer],
    known_lanes: Mapping[str, str],
    former_lanes: Collection[str],
) -> None:
    """Raise StepFailedError(invalid) where somebody else's containers have the stack's name.

    `observed` are the project's containers of the stack, `others` all of the host, `known_lanes` the lanes of
    deployments that the journal knows: containers of earlier agents say none. Two lanes of one project must not replace
    each other's containers: each would call its own what the other one runs. A lane that this agent had before it was
    enrolled for another server is nobody's any more, so what runs of it may be taken over.
    """
    for each in others:
        if each.stack == release.stack and each.project_id != release.project_id:
            message = f"Another Compose project of this machine is called {release.stack}: remove or rename it first."
            raise StepFailedError("invalid", message)
    for container in observed:
        lane = container.lane or known_lanes.get(container.deployment_id, "")
        foreign = lane not in ("", release.lane) and lane not in former_lanes
        if foreign and container.state not in ENDED:
            raise StepFailedError("invalid", _held(release, container, lane), service=container.service)


def _held(release: Release, container: Container, lane: str) -> str:
    target = lane.rpartition("@")[2]
    return (
        f"{release.stack} is run on this machine for another target of the project ({target}): its {container.service} "
        f"is {container.state}. Stop the project there first; if that target is no more, remove its containers with "
        f"docker compose --project-name {release.stack} down, which keeps the volumes."
    )
