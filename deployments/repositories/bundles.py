"""Code bundles, named by the digest of their content."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from deployments.errors import NotFound
from deployments.models import CodeBundle, NodeCode
from deployments.types import CodeRecord


def store(*, digest: str, content: bytes) -> None:
    """Store the bundle, unless its content is stored already."""
    CodeBundle.objects.bulk_create(
        [CodeBundle(digest=digest, content=content, size=len(content))], ignore_conflicts=True
    )


def content_of(*, digest: str) -> bytes:
    """Return the tar. Raises NotFound."""
    content = CodeBundle.objects.filter(pk=digest).values_list("content", flat=True).first()
    if content is None:
        raise NotFound("No such code bundle.")
    return bytes(content)


def assign(*, project_id: UUID, node_id: str, digest: str) -> None:
    """Have the node built from this bundle from the next deployment on."""
    NodeCode.objects.update_or_create(project_id=project_id, node_id=node_id, defaults={"bundle_id": digest})


def keep(*, project_id: UUID, node_id: str, digest: str, content: bytes) -> None:
    """Store the bundle as the node's. Opens its own transaction."""
    with transaction.atomic():
        store(digest=digest, content=content)
        assign(project_id=project_id, node_id=node_id, digest=digest)


def assigned(*, project_id: UUID) -> dict[str, str]:
    """Return the digest of each node's bundle, by node id."""
    return dict(NodeCode.objects.filter(project=project_id).values_list("node_id", "bundle_id"))


def described(*, project_id: UUID) -> tuple[CodeRecord, ...]:
    """Return the project's bundles by node, without their contents."""
    rows = NodeCode.objects.filter(project=project_id).order_by("node_id")
    columns = rows.values_list("node_id", "bundle_id", "bundle__size", "updated_at")
    return tuple(
        CodeRecord(node_id=node, digest=digest, size=size, updated_at=at) for node, digest, size, at in columns
    )


def unassign(*, project_id: UUID, node_id: str) -> bool:
    """Take the node's bundle away; return False when it had none."""
    deleted, _ = NodeCode.objects.filter(project=project_id, node_id=node_id).delete()
    return deleted > 0
