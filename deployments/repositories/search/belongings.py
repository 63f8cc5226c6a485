"""What belongs to projects, machines and people, by words that stand in its name: bounded like `search_rows`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, Subquery, TextField
from django.db.models.functions import Cast, Now

from agents.models import Agent, CommandRecord, Server
from deployments.data.search_types import Found, FoundKind
from deployments.models import ApiToken, Deployment, ObservedVolumes, Project, ProjectInvitation, ProjectVariable
from deployments.repositories import projects
from deployments.repositories.ends import observed_volumes
from deployments.repositories.invitations import MAX_AGE
from deployments.repositories.observation import observed_stacks
from deployments.repositories.search.search_rows import all_words, by_id
from deployments.types import Caller

# Hosts whose volumes are looked through, one by one.
MAX_HOSTS = 200


def variables_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Names of stored variables, never values: of projects that the caller may see; a name once for each."""
    seen = projects.visible(caller=caller).exclude(deletion=projects.DELETED).order_by().values("pk")
    rows = ProjectVariable.objects.filter(project__in=seen).filter(_mostly("name", words, "project__name"))
    found = rows.order_by("name", "project__name", "project").values_list("project", "name", "project__name").distinct()
    return [
        Found(kind=FoundKind.VARIABLE, id=key, title=name, detail=project, of=FoundKind.PROJECT)
        for key, name, project in found[: limit + 1]
    ]


def volumes_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Volumes as agents told them last: all on the caller's own servers, else those of projects that they may see."""
    seen = projects.visible(caller=caller).order_by().values("pk")
    own = Server.objects.filter(
        pk=OuterRef("server_id"), **({} if caller.sees_everything else {"owner": caller.user_id})
    )
    deployed = Deployment.objects.filter(target_id=OuterRef("server_id"), project__in=seen)
    called = Server.objects.filter(pk=OuterRef("server_id")).values("name")[:1]
    rows = ObservedVolumes.objects.annotate(
        text=Cast("volumes", TextField()), own=Exists(own), server_called=Subquery(called)
    )
    named = _any_word("text", words)
    hosts = rows.filter(named & (Q(own=True) | Exists(deployed))).order_by("server_id")
    found: list[Found] = []
    for server_id, is_own, server in hosts.values_list("server_id", "own", "server_called")[:MAX_HOSTS]:
        found += _volumes_on(server_id, words, server=server or "", own=is_own, caller=caller)
        if len(found) > limit:
            break
    return found


def _volumes_on(server_id: UUID, words: Sequence[str], *, server: str, own: bool, caller: Caller) -> Iterator[Found]:
    volumes = [each for row in observed_volumes.on_servers(server_ids=[server_id]) for each in row.volumes]
    told = {each.project_id for each in volumes if each.project_id is not None}
    there = observed_stacks.deployed_there(server_id=server_id, project_ids=told)
    seen = dict(projects.visible(caller=caller).filter(pk__in=there).values_list("pk", "name"))
    for volume in volumes:
        project = seen.get(volume.project_id) if volume.project_id else None
        if not (own or project) or not _says(volume.name, words, f"{project or ''} {server}"):
            continue
        stands_in, of = (volume.project_id, FoundKind.PROJECT) if project else (server_id, FoundKind.SERVER)
        detail = f"{project}, {server}" if project else server
        yield Found(kind=FoundKind.VOLUME, id=stands_in or server_id, title=volume.name, detail=detail, of=of)


def agents_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Agents by the beginning of their id: by name one finds their servers."""
    mine = Q() if caller.sees_everything else Q(owner=caller.user_id)
    called = Server.objects.filter(pk=OuterRef("server_id")).values("name")[:1]
    rows = Agent.objects.filter(mine & by_id(words)).annotate(server_called=Subquery(called)).order_by("pk")
    found = rows.values_list("pk", "server_called", "version")[: limit + 1]
    return [
        Found(kind=FoundKind.AGENT, id=key, title=server or str(key)[:8], detail=version)
        for key, server, version in found
    ]


def commands_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Commands of the ledger by the beginning of their id, to the owner of the agent that got them."""
    mine = Q() if caller.sees_everything else Q(agent__owner=caller.user_id)
    called = Server.objects.filter(pk=OuterRef("agent__server_id")).values("name")[:1]
    rows = CommandRecord.objects.filter(mine & by_id(words)).annotate(server_called=Subquery(called)).order_by("pk")
    found = rows.values_list("pk", "kind", "number", "server_called")[: limit + 1]
    return [
        Found(kind=FoundKind.COMMAND, id=key, title=f"{kind} #{number}", detail=server or "")
        for key, kind, number, server in found
    ]


def invitations_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Open ones: the caller's own by project or inviter; of projects that they own, by the invited name."""
    kept = ProjectInvitation.objects.filter(created_at__gt=Now() - MAX_AGE).order_by("name", "pk")
    mine = kept.filter(name=caller.name).filter(all_words(words, "project__name", "invited_by__username"))
    found = [
        Found(kind=FoundKind.INVITATION, id=key, title=project, detail=inviter)
        for key, project, inviter in mine.values_list("pk", "project__name", "invited_by__username")[: limit + 1]
    ]
    ruled = Project.objects.exclude(deletion=projects.DELETED)
    ruled = ruled if caller.sees_everything else ruled.filter(owner=caller.user_id)
    theirs = kept.filter(project__in=ruled.order_by().values("pk")).filter(_mostly("name", words, "project__name"))
    return [
        *found,
        *(
            Found(kind=FoundKind.INVITATION, id=key, title=name, detail=project, of=FoundKind.PROJECT)
            for key, name, project in theirs.values_list("project", "name", "project__name")[: limit + 1]
        ),
    ]


def tokens_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """The caller's own API tokens by name; nobody finds another's, who sees everything included."""
    rows = ApiToken.objects.filter(token__user=caller.user_id).filter(all_words(words, "name")).order_by("name", "pk")
    found = rows.values_list("pk", "name", "scope")[: limit + 1]
    return [Found(kind=FoundKind.TOKEN, id=key, title=name, detail=scope) for key, name, scope in found]


def _mostly(own: str, words: Sequence[str], other: str) -> Q:
    """Return what a row must have: all words, of which at least one stands in its own name."""
    return all_words(words, own, other) & _any_word(own, words)


def _any_word(column: str, words: Sequence[str]) -> Q:
    wanted = Q()
    for word in words:
        wanted |= Q(**{f"{column}__icontains": word})
    return wanted


def _says(name: str, words: Sequence[str], around: str) -> bool:
    own, all_of_it = name.casefold(), f"{name} {around}".casefold()
    folded = [word.casefold() for word in words]
    return all(word in all_of_it for word in folded) and any(word in own for word in folded)
