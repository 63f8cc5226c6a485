"""The build command: build and push what a cluster's deployment builds, for a manager's agent to apply by digests."""

from __future__ import annotations

import sqlite3

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.context import Work
from agents.runner.commands.outages import retry_through_outages
from agents.runner.commands.publishing import destination_of, publish_images
from agents.runner.commands.pulling import signed_in
from agents.runner.commands.swarm.registry_cleanup import clean_registry
from agents.runner.control_plane.reports import BUILDING, masked_tail
from agents.runner.errors import InterruptedWorkError, StepFailedError, UnavailableError
from agents.runner.planning import progress
from agents.runner.planning.codec import release_of_build
from agents.runner.planning.model import WantedService


def build(work: Work) -> None:
    """Have every image in the registry and end with their digests. Safe to repeat: what is there is not made again.

    Nothing is applied. The command stays open when the runner stops (InterruptedWorkError) and when the journal cannot
    be written (sqlite3.OperationalError).
    """
    work.reporter.stage(BUILDING, progress.BEGUN, "The agent of the builder started.")
    try:
        finished = retry_through_outages(work=work, attempt=lambda: _published(work))
    except (InterruptedWorkError, sqlite3.OperationalError):
        raise
    except StepFailedError as error:
        finished = pb.CommandFinished(
            outcome=pb.FAILED,
            reason=error.reason,
            message=str(error),
            failed_service=error.service,
            log_tail=masked_tail(error.log_tail, masker=work.masker),
        )
    except UnavailableError as error:
        finished = pb.CommandFinished(outcome=pb.FAILED, reason="internal", message=str(error))
    work.reporter.finished(finished, also=lambda: None)


def _published(work: Work) -> pb.CommandFinished:
    release = release_of_build(work.command)
    to = destination_of(release)
    if to is None:
        raise StepFailedError("invalid", "The order names no registry to push to.")
    with signed_in(work=work, release=release) as signed:
        references = publish_images(work=signed, release=release, to=to, built=release.services)
    clean_registry(work=work, release=release, images=references)
    services = [_pushed(service, references[service.name]) for service in release.services]
    return pb.CommandFinished(outcome=pb.SUCCEEDED, message="Every image is in the registry.", services=services)


def _pushed(service: WantedService, reference: str) -> pb.ServiceObserved:
    return pb.ServiceObserved(
        node_id=service.node_id,
        service_name=service.name,
        state="built",
        image=reference,
        image_digest=reference.partition("@")[2],
    )


def stop_build(work: Work) -> None:
    """Answer an order to go back from a build: it was interrupted when the order came, and had applied nothing."""
    finished = pb.CommandFinished(outcome=pb.RESTORED, reason="cancelled", message="The build was stopped.")
    work.reporter.finished(finished, also=lambda: None)
