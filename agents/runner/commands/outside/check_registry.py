"""The check_registry command: is this registry reached, trusted and signed in to from here, and may images be pushed?

Docker on the host is asked first, since it is Docker that pulls and pushes. Only what it has no question for, whether
the user may push, is asked by the agent itself, by an upload that is begun and cancelled.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.context import Work
from agents.runner.docker.registries.engine_registry import RegistryAnswerError, digest_in_registry, sign_in
from agents.runner.docker.registries.registry_http import RegistryHttp
from agents.runner.errors import InterruptedWorkError, StepFailedError, UnavailableError
from agents.runner.planning.codec import REGISTRY
from agents.runner.planning.registries import RegistryLogin, Trouble, sentence, trouble_in

# Where nobody has an image; nothing is ever pushed there.
PROBE = "axion-deploy-check"


def check_registry(work: Work) -> None:
    """Try it and end with the command's last report: a sentence. Safe to repeat: nothing is left in the registry."""
    try:
        message = _checked(work)
        finished = pb.CommandFinished(outcome=pb.SUCCEEDED, message=message)
    except (InterruptedWorkError, sqlite3.OperationalError):
        raise
    except (StepFailedError, UnavailableError, OSError) as error:
        reason = error.reason if isinstance(error, StepFailedError) else "internal"
        finished = pb.CommandFinished(outcome=pb.FAILED, reason=reason, message=str(error))
    work.reporter.finished(finished, also=lambda: None)


def _checked(work: Work) -> str:
    order = work.command.check_registry
    if not REGISTRY.fullmatch(f"{order.address}/{order.namespace}"):
        raise StepFailedError("invalid", f"{order.address!r} cannot be asked from this host.")
    fetched = work.control_plane.secrets(deployment_id=work.command.deployment_id, interrupt=work.interrupt)
    work.masker.learn([each.password for each in fetched.logins])
    login = next((each for each in fetched.logins if each.address == order.address), None)
    if login is None:
        raise StepFailedError("invalid", f"The login of {order.address} was not handed over.")
    with work.registries.signed_in([login]) as folder:
        _ask_docker(work, login, repository=f"{order.namespace}/{PROBE}")
        work.interrupt.check()
        return _told(login, namespace=order.namespace, folder=folder)


def _ask_docker(work: Work, login: RegistryLogin, *, repository: str) -> None:
    """Raise StepFailedError where Docker does not reach the registry, trust it, or get in."""
    image = f"{login.address}/{repository}:none"
    engine = work.registries.engine
    signed = False
    try:
        if login.username:
            sign_in(engine=engine, login=login)
            signed = True
        digest_in_registry(engine=engine, image=image, login=login)
    except RegistryAnswerError as error:
        trouble, said = trouble_in([str(error)]), str(error)
        if trouble is Trouble.MISSING or (trouble is Trouble.DENIED and signed):
            # Many registries say of a repository that is not there that it must not be read.
            return
        raise StepFailedError("image", sentence(trouble, image=image, login=login, said=said)) from error


def _told(login: RegistryLogin, *, namespace: str, folder: Path) -> str:
    """Return what works, in a sentence."""
    who = f"signs in as {login.username}" if login.username else "asks for no login"
    reached = f"Docker on this server reaches {login.address}, trusts it and {who}."
    try:
        with contextlib.closing(RegistryHttp(login=login, folder=folder)) as registry:
            pushes = registry.may_push(f"{namespace}/{PROBE}")
    except RegistryAnswerError as error:
        return f"{reached} Whether images may be pushed could not be asked: {error}"
    if pushes:
        return f"{reached} Images may be pushed to {namespace}."
    return f"{reached} Images may be pulled alone: pushing to {namespace} is not allowed, which clusters need."
