"""Does the product notice a container that is removed behind its back, and does deploying bring it back?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from axion_deploy.demo.docker import docker, find
from axion_deploy.demo.errors import DemoError

SECONDS = 60.0
SERVICE = "vote"


class StackSocket:
    """A client of the project's websocket, as a browser is one. Raises DemoError when it is not told in time."""

    def __init__(self, *, url: str, token: str, project: str) -> None:
        address = f"{url.replace('http', 'ws', 1)}/ws/projects/{project}/"
        try:
            self._socket: ClientConnection = connect(
                address, additional_headers={"Authorization": f"Token {token}"}, proxy=None, max_size=None
            )
        except (OSError, WebSocketException) as error:
            raise DemoError(f"The project's websocket does not open: {error}") from error

    def wait_for(self, *, service: str, state: str) -> None:
        """Return as soon as the service is told to be in this state."""
        give_up_at = time.monotonic() + SECONDS
        told: dict[str, str] = {}
        while told.get(service) != state:
            try:
                message = json.loads(self._socket.recv(timeout=max(0.0, give_up_at - time.monotonic())))
            except (OSError, TimeoutError, WebSocketException) as error:
                raise DemoError(f"The websocket told {told}, not that {service} is {state}: {error}") from error
            if message.get("kind") == "stacks":
                told = {each["serviceName"]: each["state"] for each in _services(message["stacks"])}

    def close(self) -> None:
        self._socket.close()


def _services(stacks: dict[str, Any]) -> list[dict[str, Any]]:
    return [service for stack in stacks.values() for service in stack["services"]]


def remove_container(project: str) -> None:
    """Remove the service's container with Docker alone."""
    ours = find("container", label=f"axion.project={project}")
    of_service = find("container", label=f"com.docker.compose.service={SERVICE}")
    docker("rm", "--force", *sorted({*ours} & {*of_service}))


def remove_behind_its_back(*, url: str, token: str, project: str, remove: Callable[[], None]) -> float:
    """Have the service removed; return the seconds until a client of the websocket was told."""
    with closing(StackSocket(url=url, token=token, project=project)) as socket:
        socket.wait_for(service=SERVICE, state="running")
        remove()
        removed = time.monotonic()
        socket.wait_for(service=SERVICE, state="gone")
        return round(time.monotonic() - removed, 2)


def wait_until_it_runs(*, url: str, token: str, project: str) -> None:
    """Return when a client of the websocket is told that the container runs again."""
    with closing(StackSocket(url=url, token=token, project=project)) as socket:
        socket.wait_for(service=SERVICE, state="running")
