"""One name for all that an agent has told of its containers, computed by both sides. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from agents.contracts import runner_pb2 as pb

DIGEST_DIGITS = 32


def digest_of(containers: Iterable[pb.ContainerSeen]) -> str:
    """Return SHA-256 over id, image, state, health, exit code, restarts and start of each, in the order of the ids.

    Fields that a later version adds do not change it, so that versions understand each other.
    """
    digest = hashlib.sha256()
    for container in sorted(containers, key=lambda container: container.id):
        facts = (
            *(container.id, container.image_id, container.state, container.health),
            *(str(container.exit_code), str(container.restarts), str(container.started_at_ms)),
        )
        digest.update("\0".join(facts).encode() + b"\n")
    return digest.hexdigest()[:DIGEST_DIGITS]
