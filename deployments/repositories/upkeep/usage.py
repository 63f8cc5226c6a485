"""How much a user's projects take up. Counted by indexes of owner and project."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Sum

from deployments.data.end_types import DeletionState
from deployments.models import CodeBundle, GraphVersion, NodeCode, Project


def projects(*, owner_id: UUID) -> int:
    return Project.objects.filter(owner=owner_id).exclude(deletion=DeletionState.DELETED).count()


def graph_versions(*, owner_id: UUID) -> int:
    return GraphVersion.objects.filter(project__owner=owner_id).count()


def code_bytes(*, owner_id: UUID, but_not: str) -> int:
    """Return the bytes of the bundles that the user's nodes are built from, each content once, one bundle left out."""
    named = NodeCode.objects.filter(project__owner=owner_id).values("bundle_id")
    found = CodeBundle.objects.filter(pk__in=named).exclude(pk=but_not).aggregate(total=Sum("size"))
    return int(found["total"] or 0)
