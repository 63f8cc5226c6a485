"""What is on the host, as `docker inspect` tells it: the picture that must be the same before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.e2e import docker_view

# Docker gives these anew to each container.
CHANGING = frozenset({"com.docker.compose.container-number", "com.docker.compose.replace", "com.docker.compose.oneoff"})


@dataclass(frozen=True)
class Running:
    """A container, without what is new at each start."""

    image: str
    environment: tuple[str, ...]
    command: tuple[str, ...]
    networks: tuple[str, ...]
    mounts: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    state: str


@dataclass(frozen=True)
class Picture:
    """Of one project: its containers by service, their ids, and its networks and volumes by name."""

    services: dict[str, Running]
    ids: dict[str, str]
    networks: tuple[str, ...]
    volumes: tuple[str, ...]


def picture(project: str) -> Picture:
    containers = docker_view.containers(project)
    return Picture(
        services={name: _running(each) for name, each in containers.items()},
        ids={name: each["Id"] for name, each in containers.items()},
        networks=_names("network", project),
        volumes=_names("volume", project),
    )


def _running(container: dict[str, Any]) -> Running:
    config = container["Config"]
    return Running(
        image=container["Image"],
        environment=tuple(sorted(config["Env"])),
        command=tuple(config["Cmd"] or ()),
        networks=tuple(sorted(container["NetworkSettings"]["Networks"])),
        mounts=tuple(sorted(_mount(each) for each in container["Mounts"])),
        labels=tuple(sorted((name, value) for name, value in config["Labels"].items() if name not in CHANGING)),
        state=container["State"]["Status"],
    )


def _mount(mount: dict[str, str]) -> str:
    return f"{mount.get('Name', mount['Source'])}:{mount['Destination']}"


def _names(kind: str, project: str) -> tuple[str, ...]:
    listed = docker_view.docker(kind, "ls", "--filter", f"label=axion.project={project}", "--format", "{{.Name}}")
    return tuple(sorted(listed.split()))
