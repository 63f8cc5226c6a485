"""Containers as a Docker engine describes them: which belong together, and which can be taken over. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

COMPOSE_PROJECT, COMPOSE_SERVICE = "com.docker.compose.project", "com.docker.compose.service"
COMPOSE_NUMBER, COMPOSE_ONE_OFF = "com.docker.compose.container-number", "com.docker.compose.oneoff"
SWARM_SERVICE = "com.docker.swarm.service.id"
SHORT_ID = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One running container. `config`, `host` and `image` are Docker's Config, HostConfig and the image's Config, with
    values of variables in them; whatever says nothing is left out of them.
    """

    id: str
    name: str
    image_id: str
    config: Mapping[str, Any] = field(repr=False)
    host: Mapping[str, Any] = field(repr=False)
    image: Mapping[str, Any] = field(repr=False)
    mounts: Sequence[Mapping[str, Any]] = ()
    networks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # All names under which the engine knows the very image that it runs: tags and digests.
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()

    @property
    def labels(self) -> Mapping[str, str]:
        return self.config.get("Labels") or {}

    @property
    def project(self) -> str:
        """Return the Compose project that made it; empty for a container that was started by itself."""
        return "" if self.labels.get(COMPOSE_ONE_OFF) == "True" else self.labels.get(COMPOSE_PROJECT, "")

    @property
    def service(self) -> str:
        return (self.labels.get(COMPOSE_SERVICE, "") if self.project else "") or self.name

    @property
    def number(self) -> int:
        text = self.labels.get(COMPOSE_NUMBER, "")
        return int(text) if text.isdigit() else 0

    @property
    def volumes(self) -> frozenset[str]:
        return frozenset(each["Name"] for each in self.mounts if each.get("Type") == "volume" and each.get("Name"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What is taken over as one: a Compose project, or a single container. `why_not`: what speaks against it."""

    key: str
    name: str
    is_project: bool
    containers: tuple[Seen, ...]
    why_not: str = ""


def read_seen(told: Iterable[Mapping[str, Any]]) -> tuple[Seen, ...]:
    """Read what an agent told. Raises ValueError where it is not of that shape."""
    try:
        return tuple(_seen(each) for each in told)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no description of containers") from error


def groups_of(containers: Sequence[Seen]) -> tuple[Group, ...]:
    """Return the containers by what is taken over together, Compose projects first, by name."""
    projects: dict[str, list[Seen]] = {}
    for each in containers:
        if each.project:
            projects.setdefault(each.project, []).append(each)
    groups = [
        Group(
            key=f"project:{name}",
            name=name,
            is_project=True,
            containers=tuple(sorted(found, key=lambda each: (each.service, each.number, each.name))),
            why_not=_why_not(found),
        )
        for name, found in sorted(projects.items())
    ]
    alone = sorted((each for each in containers if not each.project), key=lambda each: each.name)
    return (
        *groups,
        *(
            Group(
                key=f"container:{each.id}",
                name=each.name,
                is_project=False,
                containers=(each,),
                why_not=_why_not([each]),
            )
            for each in alone
        ),
    )


def _why_not(containers: Iterable[Seen]) -> str:
    for each in containers:
        if SWARM_SERVICE in each.labels:
            return f"{each.name} belongs to a service of a Swarm, which would start another one in its place"
        if each.host.get("AutoRemove"):
            return f"{each.name} was started with --rm: once stopped it is gone and could not be put back"
    return ""


def _seen(told: Mapping[str, Any]) -> Seen:
    return Seen(
        id=str(told["id"]),
        name=str(told["name"]),
        image_id=str(told.get("image_id", "")),
        config=dict(told["config"]),
        host=dict(told["host"]),
        image=dict(told.get("image") or {}),
        mounts=tuple(dict(each) for each in told.get("mounts") or ()),
        networks={name: dict(each or {}) for name, each in (told.get("networks") or {}).items()},
        tags=tuple(map(str, told.get("tags") or ())),
        digests=tuple(map(str, told.get("digests") or ())),
    )
