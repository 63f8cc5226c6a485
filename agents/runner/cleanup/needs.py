"""What of a host is still needed and what may go. Pure: everything is passed in, nothing is removed here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from agents.runner.planning.model import HostContainer, HostImage

STOPPED = frozenset({"created", "exited", "dead"})
# History is told of a success within seconds and answers with what it keeps; no more than this happens meanwhile.
MAX_UNCONFIRMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRelease:
    """A release in the journal, oldest first among those of its stack.

    `owners` are the deployments whose files its services run by; `unsuccessful`: it failed or was taken back.
    """

    deployment_id: str
    base: str
    owners: frozenset[str]
    images: frozenset[str]
    tags: frozenset[str]
    unsuccessful: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStack:
    """What is known of one stack: history keeps the deployments `retained`; those `working` have open commands."""

    name: str
    project_id: str
    releases: tuple[KnownRelease, ...]
    current: str
    working: frozenset[str]
    retained: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Images by id and by tag that must stay, whoever asks for them."""

    ids: frozenset[str]
    tags: frozenset[str]


def live_releases(stack: KnownStack) -> frozenset[str]:
    """Return the deployments whose containers may be there: what runs, what is at work, and the newest one."""
    live = {stack.current, *stack.working, *(release.deployment_id for release in stack.releases[-1:])}
    for release in stack.releases:
        if release.deployment_id in live:
            live |= release.owners
    return frozenset(live - {""})


def needed_releases(stack: KnownStack) -> frozenset[str]:
    """Return the deployments whose files and images must stay: live ones, their bases, and what history keeps.

    What came after the newest that history is known to keep may be a success that we were not told is kept.
    """
    needed = set(live_releases(stack) | stack.retained)
    positions = [number for number, release in enumerate(stack.releases) if release.deployment_id in stack.retained]
    newer = stack.releases[positions[-1] + 1 :] if positions else stack.releases
    needed |= {release.deployment_id for release in newer[-MAX_UNCONFIRMED:] if not release.unsuccessful}
    needed |= {release.base for release in stack.releases if release.deployment_id in {stack.current, *stack.working}}
    for release in stack.releases:
        if release.deployment_id in needed:
            needed |= release.owners
    return frozenset(needed - {""})


def needs_of(stacks: Collection[KnownStack], *, retained_images: Collection[str]) -> Needs:
    """Return all images that some stack or some kept entry needs."""
    ids, tags = set(retained_images), set[str]()
    for stack in stacks:
        needed = needed_releases(stack)
        for release in stack.releases:
            if release.deployment_id in needed:
                ids |= release.images
                tags |= release.tags
    return Needs(ids=frozenset(ids), tags=frozenset(tags))


def images_to_remove(
    *, images: Collection[HostImage], used: Collection[str], needs: Needs, stacks: Mapping[str, frozenset[str]]
) -> tuple[HostImage, ...]:
    """Return the images that we built for a stack of this agent and that nothing needs any more.

    `used` are the ids of the images of all containers, also stopped ones and other people's. `stacks` are this agent's
    by project. An image that carries a tag we would not have given, or none, belongs to somebody else by now: what is
    built upon an image of ours inherits its labels.
    """
    return tuple(
        image
        for image in images
        if image.tags
        and all(_is_ours(image, tag, stacks) for tag in image.tags)
        and image.id not in used
        and image.id not in needs.ids
        and not needs.tags.intersection(image.tags)
    )


def _is_ours(image: HostImage, tag: str, stacks: Mapping[str, frozenset[str]]) -> bool:
    name = tag.rpartition(":")[0].rpartition("/")[2]
    return any(name == f"{stack}-{image.service}" for stack in stacks.get(image.project_id, ()))


def leftovers(*, containers: Collection[HostContainer], stacks: Collection[KnownStack]) -> tuple[HostContainer, ...]:
    """Return the stopped containers of our stacks that belong to no live release.

    A stack that is worked on is left alone, and so is what no release in the journal made: the journal may have been
    lost, and then nobody knows what needs it.
    """
    known = {(stack.name, stack.project_id): stack for stack in stacks}
    found = []
    for container in containers:
        stack = known.get((container.stack, container.project_id))
        if stack is None or stack.working or container.state not in STOPPED or not container.deployment_id:
            continue
        recorded = {release.deployment_id for release in stack.releases}
        if container.deployment_id in recorded - live_releases(stack):
            found.append(container)
    return tuple(found)
