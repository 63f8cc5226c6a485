"""Images out of registries: signed in for as long as it takes, a registry that is away asked again, troubles named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

from agents.backoff import Backoff
from agents.runner.commands.context import Work
from agents.runner.docker.registries.engine_registry import RegistryAnswerError, sign_in
from agents.runner.errors import EngineAwayError, StepFailedError
from agents.runner.interrupt import Interrupt
from agents.runner.planning.model import Release, WantedService
from agents.runner.planning.registries import (
    RegistryLogin,
    Trouble,
    host_of,
    lacks_right,
    login_for,
    sentence,
    trouble_in,
)

PAUSES = Backoff(first=1.0, most=10.0)


@contextmanager
def signed_in(*, work: Work, release: Release) -> Iterator[Work]:
    """Give work whose Docker is signed in to the registries of the release; nothing of that is left afterwards.

    All secret values of the release are known from here on, before the first line of output.
    """
    work.vault.values(release=release, interrupt=work.interrupt)
    logins = work.vault.logins(release=release, interrupt=work.interrupt)
    if not logins:
        yield work
        return
    with work.registries.signed_in(logins) as folder:
        yield replace(work, commands=replace(work.commands, client_config=folder), logins=logins)


def pull_image(*, work: Work, service: WantedService, interrupt: Interrupt, patient: bool = True) -> None:
    """Pull the service's image. One who is `patient` asks a registry that is away again, for as long as is configured.

    Raises StepFailedError(image), which names registry and image and says what is wrong.
    """
    image = service.image
    give_up_at = work.clock() + (work.registries.patience if patient else 0.0)
    for failures in count(1):
        try:
            work.commands.pull(image=image, service=service.name, interrupt=interrupt)
        except StepFailedError as error:
            trouble, left = trouble_in(error.log_tail), give_up_at - work.clock()
            if trouble is not Trouble.AWAY or left <= 0:
                raise _named(work, service, error, trouble) from error
            text = f"The registry {host_of(image)} could not be reached for {image}: it is asked again.\n"
            work.reporter.log(source="agent", service=service.name, text=text)
            interrupt.pause(min(left, PAUSES.pause(failures=failures)))
        else:
            return


def _named(work: Work, service: WantedService, error: StepFailedError, trouble: Trouble) -> StepFailedError:
    said = error.log_tail[-1] if error.log_tail else ""
    why = why_not(work, trouble, image=service.image, said=said)
    return StepFailedError(error.reason, f"{error.message} {why}", service=service.name, log_tail=error.log_tail)


def why_not(work: Work, trouble: Trouble, *, image: str, said: str, to_push: bool = False) -> str:
    """Return a sentence for a trouble with the image's registry: of one that is denied, whether the login is wrong."""
    login = login_for(image, logins=work.logins)
    if trouble is Trouble.DENIED and login is not None and login.username and _signs_in(work, login):
        return lacks_right(image=image, login=login, to_push=to_push)
    return sentence(trouble, image=image, login=login, said=said)


def _signs_in(work: Work, login: RegistryLogin) -> bool:
    try:
        sign_in(engine=work.registries.engine, login=login)
    except (RegistryAnswerError, EngineAwayError):
        return False
    return True
