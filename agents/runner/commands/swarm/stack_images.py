"""The reference by which each service of a Swarm runs: always one that names exactly one image on every node."""

from __future__ import annotations

from agents.runner.commands.context import Work
from agents.runner.commands.swarm.manager_api import ManagerApi
from agents.runner.commands.swarm.stack_records import StackRecords
from agents.runner.commands.swarm.swarm_model import Seen, digest_of
from agents.runner.errors import StepFailedError
from agents.runner.planning.model import Release, WantedService


def references(*, work: Work, api: ManagerApi, release: Release, seen: Seen, records: StackRecords) -> dict[str, str]:
    """Return the image reference by service. Raises StepFailedError(image or invalid).

    What has not changed keeps the one it runs by; each other name is looked up once.
    """
    found, looked_up = {}, dict[str, str]()
    for service in release.services:
        if release.pinned:
            found[service.name] = _pinned(work, release, service, records)
            continue
        reference = _unchanged(release, service, seen) or looked_up.get(service.image, "")
        if not reference:
            reference = looked_up[service.image] = _resolved(work, api, service, again=release.force)
        found[service.name] = reference
    return found


def _unchanged(release: Release, service: WantedService, seen: Seen) -> str:
    runs = seen.service(service.name)
    again = release.force or service.name in release.restarts
    if runs is None or again or runs.content_hash != service.content_hash:
        return ""
    return runs.image if digest_of(runs.image) else ""


def _pinned(work: Work, release: Release, service: WantedService, records: StackRecords) -> str:
    digest = release.pinned[service.name]
    if reference := records.reference_of(digest):
        return reference
    # An id of an image that has no name in a registry, or the digest by which a registry knows it.
    return digest if work.host.image_id(digest) else f"{_bare(service.image)}@{digest}"


def _resolved(work: Work, api: ManagerApi, service: WantedService, *, again: bool) -> str:
    """Return the reference of an image that is on this server, or else that its registry tells; `again`: asks first."""
    if digest_of(service.image):
        return service.image
    if service.bundle_digest:
        message = f"{service.name} is built from code, which needs a registry that every node of the cluster reaches."
        raise StepFailedError("invalid", message, service=service.name)
    here = api.local_reference(service.image)
    told = api.registry_digest(service.image) if again or not here else ""
    if told:
        return f"{_bare(service.image)}@{told}"
    if not here:
        message = (
            f"No registry tells what the image {service.image} of {service.name} is, and it is not on this server."
        )
        raise StepFailedError("image", message, service=service.name)
    if here.startswith("sha256:"):
        why = f"{service.image} came from no registry: every node that runs {service.name} must have {here} already.\n"
    else:
        why = f"{service.name} runs {here}; {service.image} is on this server and was not asked again.\n"
    work.reporter.log(source="agent", service=service.name, text=why)
    return here


def _bare(image: str) -> str:
    """Return the image's name with its tag, without a digest."""
    return image.partition("@")[0]
