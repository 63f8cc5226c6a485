"""Code for the agents that build it."""

from __future__ import annotations

from uuid import UUID

from deployments.errors import NotFound
from deployments.repositories import bundles, deployments


def content_of(*, digest: str, deployment_ids: tuple[UUID, ...]) -> bytes:
    """The tar of a bundle that one of these deployments builds from. Raises NotFound otherwise."""
    if not any(digest in deployments.get(deployment_id=each).code.values() for each in deployment_ids):
        raise NotFound("No such code bundle.")
    return bundles.content_of(digest=digest)
