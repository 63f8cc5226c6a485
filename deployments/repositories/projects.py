"""Projects, who may see them, their graph versions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, ProtectedError, Q, QuerySet
from django.utils.text import slugify

from deployments.data.list_types import Page
from deployments.errors import NotFound
from deployments.models import GraphVersion, Project, ProjectGroup, ProjectMember, User
from deployments.repositories.records import graph_record, project_record
from deployments.types import Caller, GraphRecord, ProjectRecord

DELETED = "deleted"
SLUG_LENGTH = 32
SLUG_DIGITS = 12
SUFFIX_LENGTH = 6
# What is left of a name that gets a suffix.
MAX_NAME_WITH_SUFFIX = 90


def visible(*, caller: Caller) -> QuerySet[Project]:
    """Return the projects that the caller may know of."""
    return Project.objects.all() if caller.sees_everything else _visible_to(caller.user_id)


def own_or_shared(caller: Caller) -> Q:
    """Return what picks, among rows of people or of projects, the caller's own and those of projects they may see."""
    return Q(owner=caller.user_id) | Q(project__in=visible(caller=caller).values("pk"))


def _visible_to(user: UUID | OuterRef) -> QuerySet[Project]:
    inner = OuterRef(user) if isinstance(user, OuterRef) else user
    membership = ProjectMember.objects.filter(project=OuterRef("pk"), user=inner)
    by_group = ProjectGroup.objects.filter(project=OuterRef("pk"), group__places__user=inner)
    return Project.objects.filter(Q(owner=user) | Exists(membership) | Exists(by_group))


def viewers_among(*, project_id: UUID, user_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return those of these users to whom the project is visible by themselves, in one statement."""
    seen = _visible_to(OuterRef("pk")).filter(pk=project_id)
    rows = User.objects.filter(pk__in=user_ids).filter(Exists(seen))
    return frozenset(rows.values_list("pk", flat=True))


def find_visible(*, caller: Caller, project_id: UUID) -> ProjectRecord | None:
    row = visible(caller=caller).filter(pk=project_id).first()
    return project_record(row) if row else None


def list_visible(*, caller: Caller, limit: int) -> tuple[ProjectRecord, ...]:
    return tuple(
        project_record(row) for row in visible(caller=caller).exclude(deletion=DELETED).order_by("name")[:limit]
    )


def ids_after(after: UUID | None, *, limit: int) -> tuple[UUID, ...]:
    """Return the next ids in their order, from the beginning where `after` is None."""
    rows = Project.objects.order_by("pk") if after is None else Project.objects.filter(pk__gt=after).order_by("pk")
    return tuple(rows.values_list("pk", flat=True)[:limit])


def mute(*, project_id: UUID, until: datetime | None) -> None:
    Project.objects.filter(pk=project_id).update(muted_until=until)


def muted_until(*, project_id: UUID) -> datetime | None:
    """Return until when messages about its incidents wait, over or not; None for no mute."""
    return Project.objects.filter(pk=project_id).values_list("muted_until", flat=True).first()


def get(*, project_id: UUID) -> ProjectRecord:
    """Return the project without asking for anybody's right: for the product itself. Raises NotFound."""
    row = Project.objects.filter(pk=project_id).first()
    if row is None:
        raise NotFound("No such project.")
    return project_record(row)


def names_of(*, project_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of these projects, as far as they are here, without asking for anybody's right."""
    return dict(Project.objects.filter(pk__in=project_ids).values_list("pk", "name"))


def roles_of(*, user_id: UUID, project_id: UUID) -> tuple[str, ...]:
    """Return the roles that the person has as a member and by groups; none for everyone else, the owner included."""
    own = ProjectMember.objects.filter(user=user_id, project=project_id).values_list("role", flat=True)
    by_group = ProjectGroup.objects.filter(group__places__user=user_id, project=project_id)
    return tuple(own.union(by_group.values_list("role", flat=True)))


def create(*, project_id: UUID, owner_id: UUID, name: str, slug: str, settings: Mapping[str, Any]) -> ProjectRecord:
    """Store a project. Raises IntegrityError when owner and name, or the slug, are taken."""
    return project_record(Project.objects.create(pk=project_id, owner_id=owner_id, name=name, slug=slug, **settings))


def change(*, project_id: UUID, changes: Mapping[str, Any]) -> ProjectRecord:
    """Store these changes. Raises IntegrityError when owner and name are taken."""
    Project.objects.filter(pk=project_id).update(**changes)
    return get(project_id=project_id)


def delete_unused(*, project_id: UUID) -> bool:
    """Delete a project without deployments; return False, and delete nothing, when it has some.

    Inside a transaction that holds the project's lock.
    """
    try:
        with transaction.atomic():
            Project.objects.filter(pk=project_id).delete()
    except ProtectedError:
        return False
    return True


def page_visible(*, caller: Caller, name: str, page: int, limit: int) -> Page[ProjectRecord]:
    """Return a page of those whose names hold `name`, whatever the case; by name."""
    rows = visible(caller=caller).exclude(deletion=DELETED).filter(name__icontains=name).order_by("name", "pk")
    items = tuple(project_record(row) for row in rows[(page - 1) * limit : page * limit])
    return Page(items=items, page=page, limit=limit, total=rows.count())


def slug_of(name: str, project_id: UUID) -> str:
    """Return a name that is short, safe on every host and no other project's: the name, and digits made of the id."""
    # An image's name may not hold "_-".
    words = re.sub("[-_]+", "-", slugify(name))[:SLUG_LENGTH].strip("-")
    # Of the id's hash: where a peer gives ids, nobody can find one with the digits of another project's.
    return f"{words or 'project'}-{hashlib.sha256(project_id.bytes).hexdigest()[:SLUG_DIGITS]}"


def mirror(*, project_id: UUID, owner_id: UUID, name: str) -> ProjectRecord | None:
    """Store the row of a project that lives in a peer service; return None when the id is another owner's here.

    A name that another of the owner's projects has gets a piece of the id.
    """
    for label in (name, f"{name[:MAX_NAME_WITH_SUFFIX]} {project_id.hex[:SUFFIX_LENGTH]}"):
        with suppress(IntegrityError), transaction.atomic():
            row, _ = Project.objects.get_or_create(
                pk=project_id, owner_id=owner_id, defaults={"name": label, "slug": slug_of(name, project_id)}
            )
            return project_record(row)
    return None


def owned_by(*, owner_id: UUID) -> tuple[ProjectRecord, ...]:
    """Return all that the person owns, those that are gone included, by id."""
    return tuple(project_record(row) for row in Project.objects.filter(owner=owner_id).order_by("pk"))


def by_name(*, owner_id: UUID, name: str) -> ProjectRecord | None:
    row = Project.objects.filter(owner=owner_id, name=name).first()
    return project_record(row) if row else None


def deletion_of(*, project_id: UUID) -> str:
    """Return whether the project is deleting or deleted; empty for neither."""
    return Project.objects.filter(pk=project_id).values_list("deletion", flat=True).first() or ""


def lock_whole(*, project_id: UUID) -> bool:
    """Keep everybody from storing anything that belongs to the project until the caller's transaction ends.

    A deployment that is just being asked for goes first. False where there is no such project.
    """
    return Project.objects.select_for_update().filter(pk=project_id).values_list("pk", flat=True).first() is not None


def lock(*, project_id: UUID) -> None:
    """Serialize changes to the project's graph and code until the caller's transaction ends."""
    Project.objects.select_for_update(no_key=True).only("pk").get(pk=project_id)


def latest_graph(*, project_id: UUID) -> GraphRecord | None:
    row = GraphVersion.objects.filter(project=project_id).order_by("-version").first()
    return graph_record(row) if row else None


def blank_graph(*, project_id: UUID) -> GraphRecord:
    """Return what stands for a graph that is fetched only when the deployment starts."""
    row, _ = GraphVersion.objects.get_or_create(
        project_id=project_id, version=0, defaults={"graph": {"nodes": [], "edges": []}}
    )
    return graph_record(row)


def add_graph(*, project_id: UUID, graph: Mapping[str, Any]) -> GraphRecord:
    """Store the graph as the next version, or return the newest when nothing changed. Holds the project's lock."""
    lock(project_id=project_id)
    newest = latest_graph(project_id=project_id)
    if newest is not None and newest.graph == graph:
        return newest
    version = newest.version + 1 if newest else 1
    return graph_record(GraphVersion.objects.create(project_id=project_id, version=version, graph=dict(graph)))


def page_of_graphs(*, project_id: UUID, page: int, limit: int) -> Page[GraphRecord]:
    """Return a page of the project's graphs, newest first."""
    rows = GraphVersion.objects.filter(project=project_id).order_by("-version")
    items = tuple(graph_record(row) for row in rows[(page - 1) * limit : page * limit])
    return Page(items=items, page=page, limit=limit, total=rows.count())


def get_graph(*, project_id: UUID, version: int) -> GraphRecord:
    """Return this version of the graph. Raises NotFound."""
    row = GraphVersion.objects.filter(project=project_id, version=version).first()
    if row is None:
        raise NotFound("No such version of the graph.")
    return graph_record(row)
