"""What is wanted compared with what is observed, and who answers for each service. Pure."""

from __future__ import annotations

from collections.abc import Collection

from agents.runner.planning.model import (
    CREATED,
    RUNNING,
    UNHEALTHY,
    Container,
    Release,
    Target,
    WantedService,
    containers_of,
)


def change_cause(*, service: WantedService, observed: tuple[Container, ...], release: Release) -> str:
    """Return why the release must start the service anew; empty when what runs of it may stay."""
    found = containers_of(observed, service.name)
    if not found:
        return f"{service.name} is not there"
    asked_for = release.force or service.name in release.restarts
    if asked_for and any(each.deployment_id != release.deployment_id for each in found):
        return f"a new start of {service.name} was asked for"
    if any(each.content_hash != service.content_hash for each in found):
        return f"{service.name} changed"
    pinned = release.pinned.get(service.name, "")
    if pinned and any(each.image_id != pinned for each in found):
        return f"{service.name} runs another image"
    return _unsound_cause(service=service, found=found)


def _unsound_cause(*, service: WantedService, found: tuple[Container, ...]) -> str:
    for each in found:
        if each.state != RUNNING:
            return f"{service.name} is {each.state}"
        if each.health == UNHEALTHY:
            return f"{service.name} is unhealthy"
    return ""


def owners_of(*, release: Release, observed: tuple[Container, ...], known: Collection[str]) -> dict[str, str]:
    """Return per service the deployment whose files it runs by: this release where something changes, else the old one.

    Another number of copies is no change: they are made by the old one's files. `known`: whose files are still here.
    """
    owners = {}
    # What was only half made will be removed whoever made it.
    observed = tuple(each for each in observed if each.state != CREATED)
    for service in release.services:
        found = containers_of(observed, service.name)
        former = {each.deployment_id for each in found}
        stays = len(former) == 1 and not change_cause(service=service, observed=observed, release=release)
        complete = len(found) == service.replicas
        # Containers without our label of a deployment are nobody's.
        usable = former & set(known) if not complete else former - {""}
        owners[service.name] = former.pop() if stays and usable else release.deployment_id
    return owners


def difference_from_target(*, service: WantedService, target: Target, observed: tuple[Container, ...]) -> str:
    """Return how the running service differs from the target; empty when it is exactly that."""
    found = containers_of(observed, service.name)
    if not found:
        return f"{service.name} is not there"
    if any(each.content_hash != service.content_hash for each in found):
        return f"{service.name} changed"
    if unsound := _unsound_cause(service=service, found=found):
        return unsound
    if any(each.deployment_id != target.owners[service.name] for each in found):
        return f"{service.name} is of another deployment"
    if not all(matches_target(each, service, target) for each in found):
        return f"{service.name} runs another image"
    if len(found) != service.replicas:
        return f"{service.name} has {len(found)} of {service.replicas} containers"
    return ""


def matches_target(container: Container, service: WantedService, target: Target) -> bool:
    image = target.images.get(service.name, "")
    made_by = (container.deployment_id, container.content_hash)
    return made_by == (target.owners[service.name], service.content_hash) and image in ("", container.image_id)
