"""The reference by which each service of a Swarm runs: always one that names exactly one image on every node."""

from __future__ import annotations

from collections.abc import Mapping

from agents.runner.commands.context import Work
from agents.runner.commands.image_volumes import mount_targets
from agents.runner.commands.publishing import destination_of, publish_images
from agents.runner.commands.pulling import signed_in
from agents.runner.commands.swarm.manager_api import ManagerApi
from agents.runner.commands.swarm.stack_records import StackRecords
from agents.runner.commands.swarm.swarm_model import Seen, digest_of
from agents.runner.errors import StepFailedError
from agents.runner.planning.model import Release, WantedService
from agents.runner.planning.registries import login_for, sentence, trouble_in


def references(*, work: Work, api: ManagerApi, release: Release, seen: Seen, records: StackRecords) -> dict[str, str]:
    """Return the image reference by service. Raises StepFailedError(build, image or invalid).

    What has not changed keeps the one it runs by; each other name is looked up once. What is built is in the cluster's
    registry when this returns.
    """
    if release.pinned:
        return {service.name: _pinned(work, release, service, records) for service in release.services}
    found = {service.name: _unchanged(release, service, seen) for service in release.services}
    changed = [service for service in release.services if not found[service.name]]
    if not changed:
        return found
    with signed_in(work=work, release=release) as signed:
        code = [service for service in changed if service.bundle_digest]
        found |= _built_elsewhere(release, code) if release.built else _published(signed, release, code)
        named = [service for service in changed if not service.bundle_digest]
        by_image = {service.image: service for service in named}
        told = {image: _resolved(signed, api, service, again=release.force) for image, service in by_image.items()}
    found |= {service.name: told[service.image] for service in named}
    return found


def image_data(*, work: Work, release: Release, images: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return by service the paths where its image keeps data and the graph has no volume.

    Of an image that this server does not have nothing is known.
    """
    found = {}
    for service in release.services:
        declared = work.host.image_volumes(images[service.name])
        if bare := sorted(set(declared) - mount_targets(release, service.name)) if declared else []:
            found[service.name] = tuple(bare)
    return found


def warn_of_data(*, work: Work, release: Release, images: Mapping[str, str]) -> None:
    """Tell of services whose image keeps data by itself: nothing hands that over to the next task."""
    for service, bare in image_data(work=work, release=release, images=images).items():
        text = (
            f"Warning: the image of {service} keeps data at {', '.join(bare)}, where the graph has no volume. "
            "In a cluster each new task begins there with nothing: give the node a volume.\n"
        )
        work.reporter.log(source="agent", service=service, text=text)


def _built_elsewhere(release: Release, built: list[WantedService]) -> dict[str, str]:
    to = destination_of(release)
    if lacking := next((service.name for service in built if service.name not in release.built or to is None), None):
        raise StepFailedError("invalid", f"The builder reported no image for {lacking}.", service=lacking)
    return {service.name: to.pinned(service.image, release.built[service.name]) for service in built} if to else {}


def _published(work: Work, release: Release, built: list[WantedService]) -> dict[str, str]:
    to = destination_of(release)
    if built and to is None:
        message = (
            f"{built[0].name} is built from code, which needs a registry that every node of the cluster reaches. "
            "Choose one for the cluster."
        )
        raise StepFailedError("invalid", message, service=built[0].name)
    return publish_images(work=work, release=release, to=to, built=built) if to else {}


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
    to = destination_of(release)
    if service.bundle_digest and to is not None and not work.host.image_id(digest):
        return to.pinned(service.image, digest)
    # An id of an image that has no name in a registry, or the digest by which a registry knows it.
    return digest if work.host.image_id(digest) else f"{_bare(service.image)}@{digest}"


def _resolved(work: Work, api: ManagerApi, service: WantedService, *, again: bool) -> str:
    """Return the reference of an image that is on this server, or else that its registry tells; `again`: asks first."""
    if digest_of(service.image):
        return service.image
    here, said = api.local_reference(service.image), ""
    if again or not here:
        login = login_for(service.image, logins=work.logins)
        told, said = api.registry_digest(service.image, login=login)
        if told:
            return f"{_bare(service.image)}@{told}"
    if not here:
        why = sentence(trouble_in([said]), image=service.image, login=login, said=said) if said else ""
        message = (
            f"No registry tells what the image {service.image} of {service.name} is, and it is not on this server."
        )
        raise StepFailedError("image", f"{message} {why}".rstrip(), service=service.name)
    if here.startswith("sha256:"):
        why = f"{service.image} came from no registry: every node that runs {service.name} must have {here} already.\n"
    else:
        why = f"{service.name} runs {here}; {service.image} is on this server and was not asked again.\n"
    work.reporter.log(source="agent", service=service.name, text=why)
    return here


def _bare(image: str) -> str:
    """Return the image's name with its tag, without a digest."""
    return image.partition("@")[0]
