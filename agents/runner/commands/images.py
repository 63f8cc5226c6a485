"""The images of a release: built from code or pulled, and only those that are not here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from agents.runner.commands.context import Work
from agents.runner.commands.pulling import pull_image, signed_in
from agents.runner.control_plane.reports import BUILDING
from agents.runner.docker import arguments
from agents.runner.errors import InterruptedWorkError, StepFailedError
from agents.runner.interrupt import ABANDONED, Interrupt
from agents.runner.planning import observed, progress
from agents.runner.planning.model import LABEL_HASH, LABEL_NODE, LABEL_PROJECT, LABEL_SERVICE, Release, WantedService


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """One image to provide; `files` is the release's folder."""

    release: Release
    service: WantedService
    files: Path


def provide_images(*, work: Work, release: Release) -> dict[str, str]:
    """Provide every image on this host; return image id by service. Raises StepFailedError(build or image)."""
    if release.pinned:
        return _provide_pinned(work=work, release=release)
    before = {service.image: work.host.image_id(service.image) for service in release.in_file}
    wanted = [
        service for service in release.in_file if not before[service.image] or (release.force and _may_move(service))
    ]
    if wanted:
        with signed_in(work=work, release=release) as signed:
            build_images(work=signed, release=release, missing=wanted)
    ids = {service.name: work.host.image_id(service.image) for service in release.in_file}
    for service in release.in_file:
        if before[service.image] and _may_move(service) and not release.force:
            now = ids[service.name]
            _log(work, service, f"{service.name} runs {now}; {service.image} is on this host and was not asked again.")
        if not ids[service.name]:
            message = f"The image {service.image} is not on this host."
            raise StepFailedError("image", message, service=service.name)
    return ids


def _may_move(service: WantedService) -> bool:
    """Tell whether the name may mean another image by now; what we build, and a digest, never do."""
    return not service.bundle_digest and "@" not in service.image


def _log(work: Work, service: WantedService, text: str) -> None:
    work.reporter.log(source="agent", service=service.name, text=f"{text}\n")


def _provide_pinned(*, work: Work, release: Release) -> dict[str, str]:
    """Provide exactly the pinned images; pull what is missing where that can give the very same image."""
    missing = [service for service in release.services if not work.host.image_id(release.pinned[service.name])]
    for service in missing:
        if service.bundle_digest:
            raise _missing_image(release=release, service=service, why="it was built from code")
    if missing:
        with signed_in(work=work, release=release) as signed:
            _pull_pinned(work=signed, release=release, missing=missing)
    return dict(release.pinned)


def _pull_pinned(*, work: Work, release: Release, missing: list[WantedService]) -> None:
    """Pull side by side, each reference once. Raises StepFailedError(image) for what is not the very same image."""
    work.reporter.stage(BUILDING, progress.IMAGES_FIRST, f"{len(missing)} images to pull.")

    def pull(service: WantedService, interrupt: Interrupt) -> None:
        try:
            pull_image(work=work, service=service, interrupt=interrupt)
        except StepFailedError as error:
            why = f"it cannot be pulled: {error.message}"
            raise _missing_image(release=release, service=service, why=why, tail=error.log_tail) from error

    _side_by_side(work, {service.image: service for service in missing}.values(), pull, last=progress.IMAGES_LAST)
    for service in missing:
        if not work.host.image_id(release.pinned[service.name]):
            raise _missing_image(release=release, service=service, why="its reference means another image by now")


def provide_job_images(*, work: Work, release: Release) -> dict[str, str]:
    """Return image id by job for a pinned release: the one that very job last ran in, else what its name means.

    Jobs that are due, and those on a schedule, must have one here. Of the others it is kept where it is known, so that
    they run in it later. Raises StepFailedError(image) where one is not on this host and cannot be pulled.
    """
    needed = {job.name for job in (*release.due_jobs, *release.scheduled_jobs)}
    images = {}
    for job in release.jobs:
        service = job.service
        last = work.releases.job_image(stack=release.stack, job=job.name, content_hash=service.content_hash)
        images[job.name] = (work.host.image_id(last) if last else "") or work.host.image_id(service.image)
        if not images[job.name] and job.name in needed and not service.bundle_digest:
            work.vault.values(release=release, interrupt=work.interrupt)
            work.commands.pull(image=service.image, service=service.name, interrupt=work.interrupt)
            images[job.name] = work.host.image_id(service.image)
        if not images[job.name] and job.name in needed:
            message = f"The image {service.image} of the job {job.name} is not on this host. Deploy the project again."
            raise StepFailedError("image", message, service=job.name)
    return {name: image for name, image in images.items() if image}


def _missing_image(
    *, release: Release, service: WantedService, why: str, tail: tuple[str, ...] = ()
) -> StepFailedError:
    image = release.pinned[service.name]
    message = f"{service.name} cannot run {image} again: that image of {service.image} is not on this host, and {why}."
    return StepFailedError("image", message, service=service.name, log_tail=tail)


def build_images(
    *, work: Work, release: Release, missing: list[WantedService], last: int = progress.IMAGES_LAST
) -> None:
    """Build, or pull, side by side, within the bound; the first failure ends the others. With all it is at `last`.

    `work` is signed in. Raises StepFailedError(build or image).
    """
    work.reporter.stage(BUILDING, progress.IMAGES_FIRST, f"{len(missing)} images to provide.")
    files = work.releases.write_files(release=release, pinned={})

    def provide(service: WantedService, interrupt: Interrupt) -> None:
        _provide(work, ImageRequest(release=release, service=service, files=files), interrupt)

    _side_by_side(work, {service.image: service for service in missing}.values(), provide, last=last)


def _side_by_side(
    work: Work, services: Collection[WantedService], act: Callable[[WantedService, Interrupt], None], *, last: int
) -> None:
    """Do this for each service within the bound of builds, and report how many are done; one that fails ends all.

    Raises what the first failure raised, once none is underway any more.
    """
    shared = Interrupt(parent=work.interrupt)

    def do(service: WantedService) -> None:
        try:
            # Whoever waited for a place begins nothing once another one has failed.
            shared.check()
            act(service, shared)
        except InterruptedWorkError:
            if shared.why != ABANDONED:
                raise

    with ThreadPoolExecutor(max_workers=work.build_parallel, thread_name_prefix="image") as pool:
        try:
            pending = {pool.submit(do, service) for service in services}
            total, failed = len(pending), False
            while pending and not failed:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                failed = any(future.exception() for future in done)
                provided = total - len(pending)
                percent = progress.images_percent(provided=provided, total=total, last=last)
                work.reporter.stage(BUILDING, percent, f"{provided} of {total} images are here.")
        finally:
            shared.set(ABANDONED)
            shared.close()
    work.interrupt.check()
    for future in done:
        future.result()


def _provide(work: Work, request: ImageRequest, interrupt: Interrupt) -> None:
    service = request.service
    work.reporter.service(observed.step(service, "building"))
    if service.bundle_digest:
        _build(work, request, interrupt)
    else:
        _pull(work, service, interrupt)
    work.reporter.service(observed.step(service, "built"))


def _pull(work: Work, service: WantedService, interrupt: Interrupt) -> None:
    """Pull the image. Where it is on this host already, a registry that does not answer fails nothing."""
    before = work.host.image_id(service.image)
    try:
        pull_image(work=work, service=service, interrupt=interrupt, patient=not before)
    except StepFailedError:
        if not before:
            raise
        _log(work, service, f"{service.image} could not be asked again; what is here runs.")
        return
    now = work.host.image_id(service.image)
    if before == now:
        _log(work, service, f"{service.image} was asked again: it is {now} still.")
    elif before:
        _log(work, service, f"{service.image} was asked again: it means {now} now, {before} before.")


def _build(work: Work, request: ImageRequest, interrupt: Interrupt) -> None:
    service = request.service
    labels = {
        LABEL_PROJECT: request.release.project_id,
        LABEL_NODE: service.node_id,
        LABEL_SERVICE: service.name,
        LABEL_HASH: service.content_hash,
    }
    digest = service.bundle_digest
    wanted = service.build
    values = _secrets_of_build(work, request, interrupt)
    with work.bundles.unpacked(digest=digest, source=work.control_plane, interrupt=interrupt) as code:
        context = _context(code, service)
        build = arguments.Build(
            context=context,
            dockerfile=_dockerfile(request=request, context=context),
            tag=service.image,
            labels=labels,
            cache_space=work.caches.space(request.release.project_id),
            ca_bundle=work.ca_bundle,
            target=wanted.target,
            args=wanted.args,
            secrets=wanted.secrets,
        )
        deadline = request.release.build_deadline
        work.commands.build(order=build, values=values, service=service.name, deadline=deadline, interrupt=interrupt)


def _context(code: Path, service: WantedService) -> Path:
    """Return the folder that is built, under a name that no other build has.

    BuildKit keeps what it was sent by the folder's last name, and sends a file again only when its size or time differ.
    Those of a bundle have all the same time, and `web` may be the folder of any project.
    """
    folder = service.build.folder
    if not folder:
        return code
    if not (code / folder).is_dir():
        message = f"The code of {service.name} has no folder {folder}."
        raise StepFailedError("build", message, service=service.name)
    return (code / folder).rename(code / code.name)


def _secrets_of_build(work: Work, request: ImageRequest, interrupt: Interrupt) -> dict[str, str]:
    """Return the values that the build may read, by variable: in its own environment only, never in a file."""
    secrets = request.service.build.secrets
    if not secrets:
        return {}
    work.commands.require_buildkit(secret=min(secrets), service=request.service.name, interrupt=interrupt)
    values = work.vault.values(release=request.release, interrupt=interrupt)
    return {name: values[name] for name in secrets.values()}


def _dockerfile(*, request: ImageRequest, context: Path) -> Path:
    service = request.service
    own = context / (service.build.dockerfile or "Dockerfile")
    path = request.files / service.dockerfile if service.dockerfile else own
    if not path.is_file():
        raise StepFailedError("build", f"{service.name} has no Dockerfile.", service=service.name)
    return path
