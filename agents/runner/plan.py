"""Decide what to do: wanted and observed in, operations with a cause out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from agents.runner.model import RUNNING, UNHEALTHY, Container, Release, Target, WantedService, containers_of

REMOVE = "remove"
UP = "up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One step. `alone`: only these services, not what they depend on; `release`: whose files and secrets to use."""

    kind: str
    services: tuple[str, ...]
    causes: tuple[str, ...]
    release: str = ""
    alone: bool = True
    container_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do in order, and what is left as it is."""

    operations: tuple[Operation, ...]
    kept: tuple[str, ...]

    def text(self) -> str:
        """The plan for people, one line per step."""
        lines = [
            f"{number}. {operation.kind} {', '.join(operation.services)}: {'; '.join(operation.causes)}"
            for number, operation in enumerate(self.operations, start=1)
        ]
        if self.kept:
            lines.append(f"keep {', '.join(self.kept)}: unchanged and running")
        return "".join(f"{line}\n" for line in lines)


def why_changed(*, service: WantedService, observed: tuple[Container, ...], release: Release) -> str:
    """Why the release must touch the service; empty when it runs already as it should."""
    found = containers_of(observed, service.name)
    if not found:
        return f"{service.name} is not there"
    if release.force and any(each.deployment_id != release.deployment_id for each in found):
        return f"a new start of {service.name} was asked for"
    if any(each.content_hash != service.content_hash for each in found):
        return f"{service.name} changed"
    pinned = release.pinned.get(service.name, "")
    if pinned and any(each.image_id != pinned for each in found):
        return f"{service.name} runs another image"
    return _why_not_sound(service=service, found=found)


def _why_not_sound(*, service: WantedService, found: tuple[Container, ...]) -> str:
    if len(found) != service.replicas:
        return f"{service.name} has {len(found)} of {service.replicas} containers"
    for each in found:
        if each.state != RUNNING:
            return f"{service.name} is {each.state}"
        if each.health == UNHEALTHY:
            return f"{service.name} is unhealthy"
    return ""


def owners_of(*, release: Release, observed: tuple[Container, ...]) -> dict[str, str]:
    """Per service the deployment whose files it runs by: this release where something changes, else the old one."""
    owners = {}
    for service in release.services:
        found = containers_of(observed, service.name)
        changed = why_changed(service=service, observed=observed, release=release)
        former = found[0].deployment_id if found else ""
        owners[service.name] = release.deployment_id if changed or not former else former
    return owners


def why_unlike(*, service: WantedService, target: Target, observed: tuple[Container, ...]) -> str:
    """How the running service differs from the target; empty when it is exactly that."""
    found = containers_of(observed, service.name)
    if not found:
        return f"{service.name} is not there"
    image = target.images.get(service.name, "")
    if any(each.content_hash != service.content_hash for each in found):
        return f"{service.name} changed"
    if unsound := _why_not_sound(service=service, found=found):
        return unsound
    for each in found:
        if each.deployment_id != target.owners[service.name]:
            return f"{service.name} is of another deployment"
        if image and each.image_id != image:
            return f"{service.name} runs another image"
    return ""


def make_plan(*, target: Target, observed: tuple[Container, ...]) -> Plan:
    """Remove what does not belong, then bring up what differs, level by level.

    Where an interrupted change left old and new containers of a service side by side, those of the target's deployment
    stay and the others go: Compose might keep the wrong one. One call for the whole stack when all of it comes up from
    one deployment: then Compose does the waiting. Otherwise it would also replace what depends on a changed service.
    """
    operations = _removals(target=target, observed=observed)
    gone = {container_id for operation in operations for container_id in operation.container_ids}
    observed = tuple(each for each in observed if each.id not in gone)
    causes = {
        service.name: cause
        for service in target.services
        if (cause := why_unlike(service=service, target=target, observed=observed))
    }
    kept = tuple(service.name for service in target.services if service.name not in causes)
    if causes and not kept and len(set(target.owners.values())) == 1:
        operations += (_whole(target=target, causes=causes),)
    elif causes:
        operations += _by_level(target=target, causes=causes)
    return Plan(operations=operations, kept=kept)


def _removals(*, target: Target, observed: tuple[Container, ...]) -> tuple[Operation, ...]:
    wanted = {service.name for service in target.services}
    gone = sorted({each.service for each in observed} - wanted)
    operations = [_removal(name, "is no longer part of the stack", containers_of(observed, name)) for name in gone]
    for service in target.services:
        found = containers_of(observed, service.name)
        owner = target.owners[service.name]
        right = [each for each in found if (each.deployment_id, each.content_hash) == (owner, service.content_hash)]
        wrong = tuple(each for each in found if each.deployment_id != owner)
        if right and wrong:
            operations.append(_removal(service.name, "was left over by an interrupted change", wrong))
    return tuple(operations)


def _removal(name: str, cause: str, containers: tuple[Container, ...]) -> Operation:
    ids = tuple(each.id for each in containers)
    return Operation(kind=REMOVE, services=(name,), causes=(f"{name} {cause}",), container_ids=ids)


def _whole(*, target: Target, causes: dict[str, str]) -> Operation:
    return Operation(
        kind=UP,
        services=tuple(service.name for service in target.services),
        causes=tuple(causes.values()),
        release=next(iter(target.owners.values())),
        alone=False,
    )


def _by_level(*, target: Target, causes: dict[str, str]) -> tuple[Operation, ...]:
    def place(service: WantedService) -> tuple[int, str]:
        return service.level, target.owners[service.name]

    changed = sorted((service for service in target.services if service.name in causes), key=place)
    grouped = [(owner, tuple(services)) for (_, owner), services in groupby(changed, key=place)]
    return tuple(
        Operation(
            kind=UP,
            services=tuple(service.name for service in services),
            causes=tuple(causes[service.name] for service in services),
            release=owner,
        )
        for owner, services in grouped
    )
