"""Projects that share a server share its ports: whoever comes second is told before Docker says it."""

from __future__ import annotations

from collections.abc import Iterable

from agents.wording.sentences import sentence
from deployments.errors import Invalid
from deployments.repositories import history
from deployments.types import ProjectRecord, Target
from stackgen.results import StackService


def ports_taken(*, project: ProjectRecord, target: Target, services: Iterable[StackService]) -> tuple[str, ...]:
    """Return a sentence for each port that a service asks for and that another project has on the target by its last
    success. A project of another owner is not named."""
    services_by_port = {port: service.name for service in services for port in service.published_ports}
    if not services_by_port:
        return ()
    sentences = []
    for other in history.published_on(target_id=target.id, but=project.id):
        holder = f"{other.service!r} of the project {other.project_name!r}"
        holder = holder if other.owner_id == project.owner_id else "a project of somebody else"
        sentences += [
            f"{services_by_port[port]!r} wants port {port} of this server, which {holder} has"
            for port in other.ports
            if port in services_by_port
        ]
    return tuple(sentences)


def refuse_taken_ports(*, project: ProjectRecord, target: Target, services: Iterable[StackService]) -> None:
    """Raise Invalid where a start could only fail, before anything is stopped for it."""
    if taken := ports_taken(project=project, target=target, services=services):
        raise Invalid(sentence("{taken}. Choose another hostPort, or stop what has it.", taken="; ".join(taken)))
