"""What the pages of servers and agents tell their owner, beside the rows themselves."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

import shlex
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.admin import SimpleListFilter
from django.db.models import F, Func
from django.db.models.functions import Now
from django.utils.translation import gettext

from agents.addresses import host_of
from agents.pki.records import CertificateData
from agents.states import Presence
from agents.wording.pages import lazy

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

PRESENCE_COLOURS = {
    Presence.ONLINE: "success",
    Presence.SILENT: "warning",
    Presence.LOST: "danger",
    Presence.PENDING: "info",
    Presence.REVOKED: "default",
}
# What a new agent replaces only when that was asked for.
CONNECTED = (Presence.ONLINE, Presence.SILENT)

ENDED_HINT = lazy("Make a new enrolment token and start the agent with it: what runs on the server goes on running.")
SHARED_NAME = lazy(
    "Applications on this server answer under the same name as this page, {host}. Browsers send your session to"
    " them, too, whatever the port. Open this page under a name of its own."
)


def shares_name(host: str, *, request: HttpRequest) -> bool:
    """Tell whether browsers would send this page's cookies to the applications on the server: cookies know no ports."""
    return bool(host) and host.strip("[]").casefold() == host_of(request.get_host()).strip("[]").casefold()


def start_command(*, token: str) -> str:
    """Return what to run on the server; the token says where to go."""
    return f"export AXION_AGENT__AGENT__TOKEN={shlex.quote(token)}\npython -m agents.runner"


def certificate_sentence(certificate: CertificateData | None, *, now: datetime) -> str:
    """Return what people are told of an agent's certificate."""
    if certificate is None:
        return gettext("None: this agent is known by its credential alone. A new enrolment token brings a certificate.")
    until = f"{certificate.valid_until:%Y-%m-%d at %H:%M} UTC"
    return certificate_trouble(certificate, now=now) or gettext(
        "Serial {serial}, valid until {until}. It is renewed at half its life."
    ).format(serial=certificate.serial, until=until)


def certificate_trouble(certificate: CertificateData | None, *, now: datetime) -> str:
    """Return why the agent is not let in with its certificate, and what to do; empty where it is."""
    if certificate is None:
        return ""
    if certificate.valid_until <= now:
        return gettext("Ended on {until}, so the agent is not let in. {ended_hint}").format(
            until=f"{certificate.valid_until:%Y-%m-%d at %H:%M} UTC", ended_hint=ENDED_HINT
        )
    if not certificate.trusted:
        return gettext("Signed by an authority that was replaced, so the agent is not let in. {ended_hint}").format(
            ended_hint=ENDED_HINT
        )
    return ""


def taken_over(at: datetime | None) -> str:
    """Return what the owner should know of an agent that enrolled in the place of one that was connected."""
    if at is None:
        return gettext("No connected agent has been replaced.")
    return gettext(
        "On {at:%Y-%m-%d at %H:%M} UTC a connected agent was replaced, with a token that allows"
        " it. If that was not you, revoke the agent and find out who knows your password."
    ).format(at=at)


MAX_VERSIONS = 50
MAX_LABELS = 200


class RevokedFilter(SimpleListFilter):
    title = lazy("credential")
    parameter_name = "credential"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("valid", gettext("Valid")), ("revoked", gettext("Revoked"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {"valid", "revoked"}:
            return queryset
        return queryset.filter(revoked_at__isnull=self.value() == "valid")


class PresenceFilter(SimpleListFilter):
    """Servers by how present their agents are, by the database's clock."""

    title = lazy("agent")
    parameter_name = "presence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("online", gettext("Online")),
            ("away", gettext("Not responding or disconnected")),
            ("none", gettext("No agent yet")),
            ("drained", gettext("Drained")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen == "online":
            return queryset.filter(seen__gt=Now() - timedelta(seconds=settings.AXION_AGENT_SILENT_AFTER))
        if chosen == "away":
            return queryset.filter(seen__lte=Now() - timedelta(seconds=settings.AXION_AGENT_SILENT_AFTER))
        if chosen == "none":
            return queryset.filter(seen__isnull=True)
        return queryset.filter(drained_at__isnull=False) if chosen == "drained" else queryset


class VersionFilter(SimpleListFilter):
    """Servers by the version of their agents, of those that this person can see."""

    title = lazy("version")
    parameter_name = "version"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = model_admin.get_queryset(request).exclude(agent_version=None).exclude(agent_version="")
        found = rows.order_by("agent_version").values_list("agent_version", flat=True).distinct()[:MAX_VERSIONS]
        return [(version, version) for version in found]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(agent_version=self.value()) if self.value() else queryset


class EachText(Func):
    """Each text of a list in JSON, as a row of its own."""

    function = "jsonb_array_elements_text"
    set_returning = True


class LabelFilter(SimpleListFilter):
    """Servers by one of their labels, of those that this person can see."""

    title = lazy("label")
    parameter_name = "label"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = model_admin.get_queryset(request).order_by()
        found = rows.annotate(one_label=EachText(F("labels"))).order_by("one_label").values_list("one_label", flat=True)
        return [(label, label) for label in found.distinct()[:MAX_LABELS]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(labels__contains=[self.value()]) if self.value() else queryset
