"""What is open for a while, by the name of what it belongs to: enrolment tokens, and mutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Now

from agents.models import EnrolmentToken, Server
from deployments.data.search_types import Found, FoundKind
from deployments.models import Incident
from deployments.repositories import projects
from deployments.repositories.notifications import channel_rows
from deployments.repositories.search.search_rows import all_words, by_id
from deployments.types import Caller

# Whoever looks for mutes need not know of what.
MUTED = "muted"


def enrolments_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Tokens of the caller's own servers: by the server's name those that still admit an agent, by their id all."""
    mine = Q() if caller.sees_everything else Q(owner=caller.user_id)
    called = Server.objects.filter(pk=OuterRef("server_id")).values("name")[:1]
    rows = EnrolmentToken.objects.filter(mine).annotate(server_called=Subquery(called))
    still = Q(used_at=None, expires_at__gt=Now()) & all_words(words, "server_called")
    found = rows.filter(still | by_id(words)).order_by("-created_at", "pk")
    return [
        Found(kind=FoundKind.ENROLMENT, id=key, title=server or str(key)[:8], detail=until(expires_at))
        for key, server, expires_at in found.values_list("pk", "server_called", "expires_at")[: limit + 1]
    ]


def mutes_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """What is muted now, by its name or the word itself: projects, incidents and channels that the caller may see."""
    seen = projects.visible(caller=caller).exclude(deletion=projects.DELETED)
    named = [word for word in words if word.casefold() != MUTED]
    whole = seen.filter(all_words(named, "name"), muted_until__gt=Now()).order_by("name", "pk")
    incidents = Incident.objects.filter(project__in=seen.order_by().values("pk"), muted_until__gt=Now(), closed_at=None)
    told = incidents.filter(all_words(named, "cause", "project__name")).order_by("-opened_at", "-id")
    channels = channel_rows.visible(caller).filter(all_words(named, "name", "project__name"), muted_until__gt=Now())
    rows = [
        *((FoundKind.PROJECT, *row) for row in whole.values_list("pk", "name", "muted_until")[: limit + 1]),
        *(
            (FoundKind.INCIDENT, key, f"{project}: {cause.replace('_', ' ')}", muted_until)
            for key, project, cause, muted_until in told.values_list("pk", "project__name", "cause", "muted_until")[
                : limit + 1
            ]
        ),
        *(
            (FoundKind.CHANNEL, *row)
            for row in channels.order_by("name", "pk").values_list("pk", "name", "muted_until")[: limit + 1]
        ),
    ]
    return [Found(kind=FoundKind.MUTE, id=key, title=name, detail=until(at), of=of) for of, key, name, at in rows if at]


def until(at: datetime) -> str:
    """Return the moment in words that need no language: an arrow and the time in UTC."""
    return f"→ {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
