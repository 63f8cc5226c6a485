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
    """Return the images that were built for one of these stacks and that nothing needs any more.

    `used` are the ids of the images of all containers, also stopped ones and other people's. `stacks` are by project
    those of this agent, and those of its cluster, whose images a node has by their digests alone. An image with a name
    that we would not have given, or with none, belongs to somebody else by now: what is built upon an image of ours
    inherits its labels.
    """
    return tuple(
        image
        for image in images
        if names_of(image)
        and all(_is_ours(image, name, stacks) for name in names_of(image))
        and image.id not in used
        and not needs.ids.intersection((image.id, *(each.partition("@")[2] for each in image.digests)))
        and not needs.tags.intersection(image.tags)
    )


def names_of(image: HostImage) -> tuple[str, ...]:
    """Return all that the image is called on this host: its tags, then the digests by which registries know it."""
    return (*image.tags, *image.digests)


def _is_ours(image: HostImage, name: str, stacks: Mapping[str, frozenset[str]]) -> bool:
    whole = name.partition("@")[0] if "@" in name else name.rpartition(":")[0]
    last = whole.rpartition("/")[2]
    return any(last == f"{stack}-{image.service}" for stack in stacks.get(image.project_id, ()))


class Patience:
    """Remembers since when each image was found useless, so that nothing goes in the moment between two looks.

    What a node pulls for a task is in nobody's container yet, and what a builder pushed is in no history yet.
    """

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[str, float] = {}

    def over(self, ids: Collection[str], *, at: float) -> frozenset[str]:
        """Return those that every look found useless for as long as that; `ids` are what this look found so."""
        self._since = {each: self._since.get(each, at) for each in ids}
        return frozenset(each for each, since in self._since.items() if at - since >= self._seconds)

    @property
    def waits(self) -> bool:
        """Tell whether something may be over later."""
        return bool(self._since)


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
