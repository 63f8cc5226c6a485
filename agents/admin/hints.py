"""What the pages of servers and agents tell their owner, beside the rows themselves."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

import shlex
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.admin import SimpleListFilter

from agents.addresses import host_of
from agents.pki.records import CertificateData
from agents.states import CommandStatus, Presence
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
COMMAND_COLOURS = {
    CommandStatus.QUEUED: "info",
    CommandStatus.SENT: "info",
    CommandStatus.ACKNOWLEDGED: "warning",
    CommandStatus.FINISHED: "success",
    CommandStatus.REFUSED: "danger",
    CommandStatus.WITHDRAWN: "default",
}

ENDED_HINT = "Make a new enrolment token and start the agent with it: what runs on the server goes on running."
SHARED_NAME = (
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
        return "None: this agent is known by its credential alone. A new enrolment token brings a certificate."
    until = f"{certificate.valid_until:%Y-%m-%d at %H:%M} UTC"
    if certificate.valid_until <= now:
        return f"Ended on {until}, so the agent is not let in. {ENDED_HINT}"
    return f"Serial {certificate.serial}, valid until {until}. It is renewed at half its life."


def taken_over(at: datetime | None) -> str:
    """Return what the owner should know of an agent that enrolled in the place of one that was connected."""
    if at is None:
        return "No connected agent has been replaced."
    return (
        f"On {at:%Y-%m-%d at %H:%M} UTC a connected agent was replaced, with a token that allows it."
        " If that was not you, revoke the agent and find out who knows your password."
    )


class RevokedFilter(SimpleListFilter):
    title = lazy("credential")
    parameter_name = "credential"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("valid", "Valid"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {"valid", "revoked"}:
            return queryset
        return queryset.filter(revoked_at__isnull=self.value() == "valid")
