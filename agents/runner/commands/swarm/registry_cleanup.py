"""Takes from a cluster's registry what no kept deployment needs any more. No deployment fails or waits long for that.

An image goes only where all of this holds: it is in a repository that is named for this stack, it carries the label of
this project, all its tags are of our making, and neither history nor this order needs its digest.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from random import Random

from agents.runner.commands.context import Work
from agents.runner.commands.publishing import Destination, destination_of
from agents.runner.commands.pulling import signed_in
from agents.runner.docker.registries.registry_http import CannotDeleteError, RegistryHttp
from agents.runner.errors import InterruptedWorkError
from agents.runner.planning.model import LABEL_PROJECT, Release
from agents.runner.planning.registries import login_for

SECONDS = 5.0
MAX_DELETED = 50
# Of tags of others each is looked at, before anything goes.
MAX_FOREIGN = 100
# As the generator makes them of what is built.
OUR_TAG = re.compile(r"[0-9a-f]{16}")
FACT = "keeping-registries"
logger = logging.getLogger(__name__)


def clean_registry(*, work: Work, release: Release, images: Mapping[str, str]) -> None:
    """Delete what the order lets go; `images` are the references that the release runs by, which stay.

    Where the registry deletes nothing, that is told once. What goes wrong is left for the next deployment.
    """
    to = destination_of(release)
    if release.registry_cleanup is None or to is None:
        return
    try:
        with signed_in(work=work, release=release) as signed:
            _clean(signed, release, to, images)
    except (InterruptedWorkError, sqlite3.OperationalError):
        raise
    except Exception as error:  # whatever a registry answers, the deployment is as good as it was
        logger.warning("the registry %s could not be cleaned up, the next deployment does: %s", to.address, error)


def _clean(work: Work, release: Release, to: Destination, images: Mapping[str, str]) -> None:
    assert release.registry_cleanup is not None
    login, folder = login_for(f"{to.address}/", logins=work.logins), work.commands.client_config
    if login is None or folder is None:
        return
    names = {f"{release.stack}-{service}" for service in release.registry_cleanup.services}
    names |= {
        service.image.rpartition("/")[2].rpartition(":")[0] for service in release.services if service.bundle_digest
    }
    needed = {*release.registry_cleanup.kept, *release.built.values()}
    needed |= {image.partition("@")[2] for image in images.values()}
    with contextlib.closing(RegistryHttp(login=login, folder=folder)) as registry:
        cleaning = Cleaning(work=work, registry=registry, project_id=release.project_id, needed=needed)
        try:
            for name in sorted(names):
                cleaning.clean(f"{to.namespace}/{name}")
        except CannotDeleteError as error:
            _tell_once(work, to.address, str(error))
            return
    if cleaning.deleted:
        _allows(work, to.address)
        text = f"Images that nothing needs any more were deleted from the registry {to.address}: {cleaning.deleted}.\n"
        work.reporter.log(source="agent", text=text)


@dataclass(kw_only=True)
class Cleaning:
    """One clean-up of the repositories of one stack, within its time and number."""

    work: Work
    registry: RegistryHttp
    project_id: str
    needed: Collection[str]
    deleted: int = 0
    _ends_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._ends_at = self.work.clock() + SECONDS

    def clean(self, repository: str) -> None:
        """Delete what may go of one repository; what there is no time for is left for another time."""
        tags = self.registry.tags(repository)
        ours = [tag for tag in tags if OUR_TAG.fullmatch(tag)]
        foreign = set(tags) - set(ours)
        if len(foreign) > MAX_FOREIGN:
            return
        # Somebody else's tag keeps what it names.
        needed = {*self.needed, *(self.registry.digest_of(repository, tag) for tag in foreign), ""}
        # In another order each time, so that all of a large repository is reached in the end.
        Random().shuffle(ours)  # noqa: S311 - nothing is secret about it
        for tag in ours:
            self.work.interrupt.check()
            if self.deleted >= MAX_DELETED or self.work.clock() >= self._ends_at:
                return
            digest = self.registry.digest_of(repository, tag)
            if digest in needed:
                continue
            needed.add(digest)
            if self.registry.labels_of(repository, digest).get(LABEL_PROJECT) == self.project_id:
                self.registry.delete(repository, digest)
                self.deleted += 1


def _tell_once(work: Work, address: str, said: str) -> None:
    """Say that old images stay in this registry, unless this agent has said so since it last deleted one there."""
    known = _keeping(work)
    if address in known:
        return
    _store(work, [*known, address])
    text = (
        f"Old images stay in the registry {address}: {said} Its operator may allow deletion "
        "(REGISTRY_STORAGE_DELETE_ENABLED=true of Docker's registry), or clean it up by other means.\n"
    )
    work.reporter.log(source="agent", text=text)


def _allows(work: Work, address: str) -> None:
    known = _keeping(work)
    if address in known:
        _store(work, [each for each in known if each != address])


def _keeping(work: Work) -> list[str]:
    row = work.releases.store.row("SELECT value FROM facts WHERE name = ?", FACT)
    return [str(each) for each in json.loads(row["value"])] if row else []


def _store(work: Work, addresses: list[str]) -> None:
    work.releases.store.write("INSERT OR REPLACE INTO facts VALUES (?, ?)", FACT, json.dumps(addresses[-100:]))
