"""Rows by words that stand in them. Each query reads a bounded part of an index or of a table of names.

`words` are all wanted, in whichever case. One more than the limit is returned where there are more.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast

from agents.models import Cluster, Server
from deployments.data.search_types import Found, FoundKind
from deployments.models import Deployment, GraphVersion, Incident, PeopleGroup, Project, ProjectMember, User
from deployments.repositories import projects
from deployments.repositories.notifications import channel_rows
from deployments.repositories.paging import deployment_lists, pages
from deployments.repositories.people import group_rows
from deployments.repositories.registries import registry_rows
from deployments.types import Caller

# Of the newest deployments and incidents; an older deployment is found by the beginning of its id.
MAX_LOOKED_THROUGH = 1000
# Graphs are looked through one by one.
MAX_GRAPHS = 200
ID_LENGTH = 32
# A shorter piece of an id says nothing.
MIN_ID_LENGTH = 6
DETAIL_LENGTH = 120


def all_words(words: Sequence[str], *columns: str) -> Q:
    """Return what a row must have: each word in at least one of the columns."""
    wanted = Q()
    for word in words:
        somewhere = Q()
        for column in columns:
            somewhere |= Q(**{f"{column}__icontains": word})
        wanted &= somewhere
    return wanted


def by_id(words: Sequence[str]) -> Q:
    """Return what picks rows by the beginning of their id, however old; nothing where the words are no such piece."""
    piece = words[0].replace("-", "").lower()
    if len(words) > 1 or not MIN_ID_LENGTH <= len(piece) <= ID_LENGTH or set(piece) - set("0123456789abcdef"):
        return Q(pk__in=())
    return Q(pk__gte=UUID(piece.ljust(ID_LENGTH, "0")), pk__lte=UUID(piece.ljust(ID_LENGTH, "f")))


def projects_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    alive = projects.visible(caller=caller).exclude(deletion=projects.DELETED)
    rows = alive.filter(all_words(words, "name", "slug") | by_id(words)).order_by("name", "pk")
    found = rows.values_list("pk", "name", "owner__username")[: limit + 1]
    return [Found(kind=FoundKind.PROJECT, id=key, title=name, detail=owner) for key, name, owner in found]


def deployments_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """By version, message, why it failed, project, or the beginning of the id; the newest first."""
    selection = deployment_lists.selection_of(caller=caller)
    ids = pages.top(selection, limit=MAX_LOOKED_THROUGH)
    columns = ("description", "message", "project__name", "history__version", "failed_service")
    known = Deployment.objects.filter(pk__in=ids).filter(all_words(words, *columns))
    keys = [*known.order_by("-created_at", "-id").values_list("pk", flat=True)[: limit + 1]]
    older = selection.rows().filter(by_id(words)).order_by("pk").values_list("pk", flat=True)
    keys += [key for key in older[: limit + 1] if key not in keys]
    rows = Deployment.objects.filter(pk__in=keys).annotate(version=F("history__version"))
    wanted = rows.order_by("-created_at", "-id").values_list("pk", "project__name", "version", "description", "status")
    return [
        Found(
            kind=FoundKind.DEPLOYMENT,
            id=key,
            title=f"{project} {version or str(key)[:8]}",
            detail=f"{status.replace('_', ' ')}{': ' if said else ''}{said}"[:DETAIL_LENGTH],
        )
        for key, project, version, said, status in wanted[: limit + 1]
    ]


def services_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Nodes of the newest graphs of the newest MAX_GRAPHS projects, by their name, id or image."""
    newest = GraphVersion.objects.filter(project=OuterRef("pk")).order_by("-version").values("pk")[:1]
    alive = projects.visible(caller=caller).exclude(deletion=projects.DELETED)
    mine = alive.annotate(newest=Subquery(newest)).order_by("-created_at", "pk")
    graphs = GraphVersion.objects.filter(pk__in=list(mine.values_list("newest", flat=True)[:MAX_GRAPHS]))
    any_word = Q()
    for word in words:
        any_word |= Q(text__icontains=word)
    rows = graphs.annotate(text=Cast("graph", TextField())).filter(any_word).order_by("project__name", "project")
    found: list[Found] = []
    for project_id, project, graph in rows.values_list("project", "project__name", "graph").iterator(chunk_size=10):
        for name, image in _named(graph):
            said = f"{name} {image} {project}".casefold()
            own = f"{name} {image}".casefold()
            if all(word.casefold() in said for word in words) and any(word.casefold() in own for word in words):
                found.append(service_of(project_id, name, project))
                if len(found) > limit:
                    return found
    return found


def service_of(project_id: UUID, name: str, project: str) -> Found:
    return Found(kind=FoundKind.SERVICE, id=project_id, title=name, detail=project, of=FoundKind.PROJECT)


def _named(graph: object) -> list[tuple[str, str]]:
    """Return name and image of each node; graphs come from outside, so nothing of their form is taken for granted."""
    nodes = graph.get("nodes") if isinstance(graph, dict) else None
    found = []
    for node in nodes if isinstance(nodes, list) else ():
        if not isinstance(node, dict):
            continue
        data = node["data"] if isinstance(node.get("data"), dict) else {}
        config = data.get("config")
        image = config.get("image", "") if isinstance(config, dict) else ""
        found.append((str(data.get("serviceName") or node.get("id", "")), str(image)))
    return found


def machines_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Servers by name or address, clusters by name: the caller's own, or everybody's for who sees everything."""
    mine = Q() if caller.sees_everything else Q(owner=caller.user_id)
    servers = Server.objects.filter(mine & (all_words(words, "name", "host") | by_id(words))).order_by("name", "pk")
    clusters = Cluster.objects.filter(mine & (all_words(words, "name") | by_id(words))).order_by("name", "pk")
    return [
        *(
            Found(kind=FoundKind.SERVER, id=key, title=name, detail=host)
            for key, name, host in servers.values_list("pk", "name", "host")[: limit + 1]
        ),
        *(
            Found(kind=FoundKind.CLUSTER, id=key, title=name)
            for key, name in clusters.values_list("pk", "name")[: limit + 1]
        ),
    ]


def incidents_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """By cause, message or project, of the newest."""
    seen = Incident.objects.all()
    if not caller.sees_everything:
        seen = seen.filter(project__in=projects.visible(caller=caller).order_by().values("pk"))
    newest = list(seen.order_by("-opened_at", "-id").values_list("pk", flat=True)[:MAX_LOOKED_THROUGH])
    said = Q(pk__in=newest) & all_words(words, "cause", "message", "project__name")
    rows = seen.filter(said | by_id(words))
    ordered = rows.order_by("-opened_at", "-id").select_related("project").only("cause", "message", "project__name")
    return [
        Found(
            kind=FoundKind.INCIDENT,
            id=row.pk,
            title=f"{row.project.name}: {row.cause.replace('_', ' ')}",
            detail=row.message[:DETAIL_LENGTH],
        )
        for row in ordered[: limit + 1]
    ]


def people_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Everybody for who sees everything; else those with whom the caller shares a project, and the caller."""
    people = _known_to(caller).filter(all_words(words, "username", "first_name", "last_name"))
    found = people.order_by("username").values_list("pk", "username")[: limit + 1]
    return [Found(kind=FoundKind.PERSON, id=key, title=name) for key, name in found]


def registries_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Find registries that the caller may see, by name or address."""
    rows = registry_rows.visible(caller).filter(all_words(words, "name", "address")).order_by("name", "pk")
    found = rows.values_list("pk", "name", "address")[: limit + 1]
    return [Found(kind=FoundKind.REGISTRY, id=key, title=name, detail=address) for key, name, address in found]


def channels_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Find channels of notifications that the caller may see, by name, receiver or project."""
    rows = channel_rows.visible(caller).filter(all_words(words, "name", "service", "project__name"))
    found = rows.order_by("name", "pk").values_list("pk", "name", "service", "project__name")[: limit + 1]
    return [
        Found(kind=FoundKind.CHANNEL, id=key, title=name, detail=f"{service}, {project}" if project else service)
        for key, name, service, project in found
    ]


def groups_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Find groups of people, by name: only administrators have pages of them."""
    if not caller.sees_everything:
        return []
    rows = PeopleGroup.objects.filter(all_words(words, "name")).order_by("name", "pk")
    return [
        Found(kind=FoundKind.GROUP, id=key, title=name) for key, name in rows.values_list("pk", "name")[: limit + 1]
    ]


def _known_to(caller: Caller) -> QuerySet[User]:
    if caller.sees_everything:
        return User.objects.all()
    seen = projects.visible(caller=caller).order_by().values("pk")
    owners = Project.objects.filter(pk__in=seen).order_by().values("owner")
    members = ProjectMember.objects.filter(project__in=seen).order_by().values("user")
    grouped = group_rows.people_in(seen)
    return User.objects.filter(Q(pk=caller.user_id) | Q(pk__in=owners) | Q(pk__in=members) | Q(pk__in=grouped))
