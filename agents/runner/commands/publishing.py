"""What a release builds, in a registry: asked for there first, then built, pushed, and known by digest.

Other hosts get the images of a cluster in this way. Every step may be done again after a crash: the same content has
the same tag, and what is there already is neither built nor pushed once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from agents.backoff import Backoff
from agents.runner.commands.context import Work
from agents.runner.commands.images import build_images
from agents.runner.commands.pulling import why_not
from agents.runner.control_plane.reports import PUSHING
from agents.runner.docker.registries.engine_registry import RegistryAnswerError, digest_in_registry, push
from agents.runner.errors import StepFailedError
from agents.runner.planning import progress
from agents.runner.planning.model import Release, WantedService
from agents.runner.planning.push_progress import PushProgress
from agents.runner.planning.registries import RegistryLogin, Trouble, login_for, trouble_in

PAUSES = Backoff(first=1.0, most=10.0)
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where images go: `address` is HOST[:PORT], `namespace` what stands before their names there."""

    address: str
    namespace: str

    def reference(self, image: str) -> str:
        """Return what a local image such as axion/shop-web:1 is called in the registry."""
        return f"{self.address}/{self.namespace}/{image.rpartition('/')[2]}"

    def pinned(self, image: str, digest: str) -> str:
        """Return how every node names exactly this image in the registry."""
        return f"{self.reference(image).rpartition(':')[0]}@{digest}"


def destination_of(release: Release) -> Destination | None:
    """Return where the images go that the release builds; None for nowhere."""
    if not release.registry_address:
        return None
    return Destination(address=release.registry_address, namespace=release.registry_namespace)


def publish_images(*, work: Work, release: Release, to: Destination, built: Sequence[WantedService]) -> dict[str, str]:
    """Have the images of these services, all of them built from code, in the registry; return NAME@DIGEST by service.

    `work` is signed in. Raises StepFailedError (build, or image for what the registry does not do),
    InterruptedWorkError or EngineAwayError.
    """
    if not built:
        return {}
    publisher = Publisher(work=work, to=to)
    digests = {image: publisher.digest_of(service) for image, service in _by_image(built).items()}
    wanted = [service for service in built if not digests[service.image]]
    missing = [service for service in wanted if not work.host.image_id(service.image)]
    if missing:
        build_images(work=work, release=release, missing=missing, last=progress.BUILT_LAST)
    digests |= publisher.push_all(list(_by_image(wanted).values()))
    return {service.name: to.pinned(service.image, digests[service.image]) for service in built}


class Publisher:
    """Asks one registry and pushes to it, in the work of one command that is signed in."""

    def __init__(self, *, work: Work, to: Destination) -> None:
        self._work = work
        self._to = to

    def digest_of(self, service: WantedService) -> str:
        """Return the digest that the service's image has in the registry; empty when it is not there.

        Many registries say of a repository that is not there yet that it must not be read: pushing tells.
        """
        image = self._to.reference(service.image)
        try:
            return self._patiently(
                service,
                lambda: digest_in_registry(engine=self._work.registries.engine, image=image, login=self._login(image)),
            )
        except RegistryAnswerError as error:
            trouble = trouble_in([str(error)])
            if trouble in {Trouble.MISSING, Trouble.DENIED}:
                return ""
            raise self._failed(service, error) from error

    def push_all(self, services: list[WantedService]) -> dict[str, str]:
        """Push one after the other; return the digest by local image. The percentage moves with the bytes."""
        digests = {}
        for number, service in enumerate(services):
            self._tell(done=number, total=len(services), fraction=0.0)
            digests[service.image] = self._push(
                service,
                moved=lambda fraction, number=number: self._tell(  # type: ignore[misc]
                    done=number, total=len(services), fraction=fraction
                ),
            )
        return digests

    def _tell(self, *, done: int, total: int, fraction: float) -> None:
        percent = progress.pushing_percent(fraction=(done + fraction) / total)
        self._work.reporter.stage(PUSHING, percent, f"{done} of {total} images are in {self._to.address}.")

    def _push(self, service: WantedService, *, moved: Callable[[float], None]) -> str:
        image = self._to.reference(service.image)
        self._work.host.tag_image(image=service.image, tag=image)

        def attempt() -> str:
            seen = PushProgress()

            def note(message: Mapping[str, object]) -> None:
                seen.note(message)
                moved(seen.fraction)

            engine = self._work.registries.engine
            push(engine=engine, image=image, login=self._login(image), interrupt=self._work.interrupt, note=note)
            return seen.digest

        try:
            digest = self._patiently(service, attempt)
        except RegistryAnswerError as error:
            raise self._failed(service, error) from error
        self._log(service, f"{image} is in the registry as {digest}.")
        return digest

    def _patiently(self, service: WantedService, attempt: Callable[[], Result]) -> Result:
        """Attempt it, again while the registry is away, for as long as is configured. Raises RegistryAnswerError."""
        give_up_at = self._work.clock() + self._work.registries.patience
        for failures in count(1):
            try:
                return attempt()
            except RegistryAnswerError as error:
                left = give_up_at - self._work.clock()
                if trouble_in([str(error)]) is not Trouble.AWAY or left <= 0:
                    raise
            self._log(service, f"The registry {self._to.address} could not be reached: it is asked again.")
            self._work.interrupt.pause(min(left, PAUSES.pause(failures=failures)))
        raise AssertionError("counting does not end")

    def _failed(self, service: WantedService, error: RegistryAnswerError) -> StepFailedError:
        image = self._to.reference(service.image)
        why = why_not(self._work, trouble_in([str(error)]), image=image, said=str(error), to_push=True)
        message = f"The image of {service.name} could not be pushed. {why}"
        return StepFailedError("image", message, service=service.name, log_tail=(str(error),))

    def _login(self, image: str) -> RegistryLogin | None:
        return login_for(image, logins=self._work.logins)

    def _log(self, service: WantedService, text: str) -> None:
        self._work.reporter.log(source="agent", service=service.name, text=f"{text}\n")


def _by_image(services: Sequence[WantedService]) -> dict[str, WantedService]:
    return {service.image: service for service in services}
