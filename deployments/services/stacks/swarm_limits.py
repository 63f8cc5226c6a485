"""What a stack may ask of one server and not of a cluster: refused by name, before anything is stored. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from agents.wording.sentences import sentence
from deployments.errors import Invalid
from stackgen.results import Stack


def refuse_unsupported(stack: Stack, *, has_registry: bool) -> None:
    """Raise Invalid, naming each service, for what cannot be deployed to a cluster, with a registry or without."""
    problems = list(_problems(stack, has_registry=has_registry))
    if problems:
        raise Invalid(" ".join(problems), details={"clusterId": sentence("cannot run this graph")})


def _problems(stack: Stack, *, has_registry: bool) -> Iterator[str]:
    built = [service.name for service in stack.services if service.bundle_digest]
    if built and not has_registry:
        yield (
            f"{', '.join(built)}: built from code, and every node of a cluster has to get the image. That needs a "
            "registry: choose one for the cluster, or name images that are in one instead."
        )
    copied = [service.name for service in stack.services if service.volumes and service.replicas > 1]
    if copied:
        yield (
            f"{', '.join(copied)}: several copies of what keeps data. In a cluster each could run on another node with "
            "data of its own; give it one copy."
        )
