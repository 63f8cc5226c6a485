"""What the journal knows of each stack, for judging what is still needed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from agents.contracts import runner_pb2 as pb
from agents.runner.cleanup.needs import KnownRelease, KnownStack
from agents.runner.journal.command_journal import Entry, Journal
from agents.runner.journal.releases import Phase, Releases, StoredRelease
from agents.runner.planning.codec import stack_of

# Commands that have images made.
MAKING = frozenset({"deploy", "build"})
UNSUCCESSFUL = frozenset({Phase.FAILED, Phase.REVERTED})
# Until the control plane has said what history keeps.
MAX_RELEASES_WITHOUT_RETENTION = 20


def known_stacks(*, journal: Journal, releases: Releases) -> tuple[KnownStack, ...]:
    """Return every stack that this agent ever had a release of, read from the journal in one transaction."""
    with releases.store.transaction():
        stored = releases.all()
        currents = releases.currents()
        retention = releases.retention()
        unfinished = journal.unfinished()
    known = [(release.stack, release.command.project_id, _known_release(release)) for release in stored]
    recorded = {release.deployment_id for release in stored}
    # A command that was received and not begun has no release yet, and needs its images already.
    known += [_not_begun(entry) for entry in unfinished if entry.kind in MAKING and entry.deployment_id not in recorded]
    at_work = frozenset(entry.deployment_id for entry in unfinished)
    stacks = []
    for stack, group in groupby(sorted(known, key=lambda item: item[0]), key=lambda item: item[0]):
        of_stack = tuple(group)
        known_releases = tuple(release for _, _, release in of_stack)
        stacks.append(
            KnownStack(
                name=stack,
                project_id=of_stack[-1][1],
                releases=known_releases,
                current=currents.get(stack, ""),
                working=at_work & {release.deployment_id for release in known_releases},
                retained=_retained(stack, known_releases, retention),
            )
        )
    return tuple(stacks)


def _retained(stack: str, releases: tuple[KnownRelease, ...], retention: pb.Retention | None) -> frozenset[str]:
    if retention is None:
        return frozenset(release.deployment_id for release in releases[-MAX_RELEASES_WITHOUT_RETENTION:])
    return frozenset(
        deployment_id
        for retained in retention.stacks
        if retained.stack_name == stack
        for deployment_id in retained.deployment_ids
    )


def _known_release(stored: StoredRelease) -> KnownRelease:
    deploy = stored.command.deploy
    return KnownRelease(
        deployment_id=stored.deployment_id,
        base=stored.base,
        owners=frozenset(stored.owners.values()),
        images=frozenset({*stored.images.values(), *deploy.pinned_images.values()} - {""}),
        tags=_tags(deploy.services),
        unsuccessful=stored.phase in UNSUCCESSFUL,
    )


def _not_begun(entry: Entry) -> tuple[str, str, KnownRelease]:
    command = entry.command()
    release = KnownRelease(
        deployment_id=entry.deployment_id,
        base="",
        owners=frozenset(),
        images=frozenset({*command.deploy.pinned_images.values(), *command.deploy.built_images.values()}),
        tags=_tags([*command.deploy.services, *command.build.services]),
        unsuccessful=False,
    )
    return stack_of(command), command.project_id, release


def _tags(services: Iterable[pb.ServiceSpec]) -> frozenset[str]:
    return frozenset(service.image for service in services)
