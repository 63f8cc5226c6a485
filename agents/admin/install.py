"""What the page that installs an agent shows: the line to paste, what to know first, and how it learns of the agent."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext

from agents.addresses import host_of, is_loopback
from agents.services import gateway_places

if TYPE_CHECKING:
    from django.http import HttpRequest


def gateway_url(request: HttpRequest) -> str:
    """Return the address of the gateway's first port as this browser would reach it."""
    scheme = "http" if gateway_places.speaks_plainly() else "https"
    return f"{scheme}://{host_of(request.get_host())}:{settings.AXION_GATEWAY_BIND.rpartition(':')[2]}"


def one_line(*, request: HttpRequest, token: str) -> str:
    """Return the one line that installs the agent on a server, with what this control plane serves."""
    return f"curl -fsSL {request.build_absolute_uri(reverse('agent-script'))} | sh -s -- {token}"


def container_command(*, request: HttpRequest, token: str) -> str:
    """Return the one line that starts the agent as a container which outlives reboots."""
    network = "--network host " if is_loopback(host_of(request.get_host())) else ""
    return (
        f"docker run -d --name axion-agent --restart unless-stopped {network}"
        "-v /var/run/docker.sock:/var/run/docker.sock -v axion-agent:/var/lib/axion-agent "
        f"-e AXION_AGENT__AGENT__TOKEN={shlex.quote(token)} {settings.AXION_AGENT_IMAGE}"
    )


def remarks(request: HttpRequest) -> tuple[str, ...]:
    """Return what to know before the line is pasted somewhere."""
    host = host_of(request.get_host())
    found = [
        gettext(
            "Run it as root: it needs Docker with Compose, which --with-docker at its end installs"
            " on Debian and Ubuntu."
        )
    ]
    if is_loopback(host):
        found.append(
            gettext("{host} is this machine alone. For another server, open this page by a name it can reach.").format(
                host=host
            )
        )
    elif gateway_places.stays_on_this_machine():
        found.append(
            gettext(
                "The gateway serves its own machine alone, so agents elsewhere do not reach it: open it with"
                " AXION_GATEWAY_PUBLISH or AXION_GATEWAY_BIND, then create another token."
            )
        )
    elif gateway_places.speaks_plainly():
        found.append(
            gettext(
                "The gateway speaks in the clear (AXION_GATEWAY_PLAINTEXT), so the agent refuses it. If the network is"
                " safe, the one line takes it over; for the container, add -e"
                " AXION_AGENT__CONTROL_PLANE__INSECURE=true."
            )
        )
    return tuple(found)


def shown(*, request: HttpRequest, server_id: UUID, token: str) -> dict[str, object]:
    """Return what the page shows beside the variables."""
    command = container_command(request=request, token=token)
    return {
        "one_line": one_line(request=request, token=token),
        "container_command": command,
        "image": settings.AXION_AGENT_IMAGE,
        "remarks": remarks(request),
        "waiting": waiting_of(server_id),
    }


def waiting_of(server_id: UUID) -> dict[str, object]:
    """Return where the page asks whether the agent is there, from when on one counts."""
    return {
        "presence": reverse("admin:agents_server_presence", args=[server_id]),
        "since": int(time.time() * 1000),
    }
