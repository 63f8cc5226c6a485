"""What generation gives: files, services in start order, variables that somebody has to supply. Never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

COMPOSE_FILE = "docker-compose.yml"
Engine = Literal["compose", "swarm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """Choices of an installation, not of a graph.

    `images` replaces base images and images of databases and gateways by the name this library knows them under
    (`python`, `node`, `postgresql`, `caddy`, ...). `image_prefix` ends in a slash; a registry goes before it.
    `swarm_ports` and `swarm_endpoints` are for hosts whose kernel lacks what Swarm's virtual addresses and routing mesh
    need. `encrypted`: what services say to each other between the nodes of a Swarm; a project's choice.
    """

    engine: Engine = "compose"
    images: Mapping[str, str] = field(default_factory=dict)
    image_prefix: str = "axion/"
    health_interval_seconds: int = 2
    swarm_ports: Literal["ingress", "host"] = "ingress"
    swarm_endpoints: Literal["vip", "dnsrr"] = "vip"
    encrypted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """`${name}` in the compose file.

    kind `supplied`, source `env`: the value of the request's variable `key`.
    kind `supplied`, source `node`: the value of a variable of one node alone; `key` is "<node id>.<name>".
    kind `supplied`, source `secret`: a value given in the graph, kept by the project under `key`.
    kind `generated`, source `secret`: a password nobody gave; made once and kept by the project under `key`.
    kind `derived`, source `variable`: the value of the variable `key`, put through `transform` ("urlencode").
    """

    name: str
    kind: Literal["supplied", "generated", "derived"]
    source: Literal["env", "node", "secret", "variable"]
    key: str
    transform: Literal["", "urlencode"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackService:
    """One service. `dockerfile` names a file of the stack; empty with a bundle means the bundle's own Dockerfile.

    `published_ports` are TCP ports of the host, `free_ports` those of the container that any free one of the host leads
    to. `aspects` tell two versions of it apart piece by piece. `starts_first`: a new copy may run beside the old one.
    `volumes` are their names on the host, `host_paths` the folders of the host that it may write. `data_release` is the
    release of the server whose data they hold, such as `postgresql 17`, where another one could not read it.
    `build_...` say how the code is built: `build_secrets` holds for each secret of the build the name of the variable
    that carries it.
    """

    node_id: str
    name: str
    image: str
    bundle_digest: str = ""
    dockerfile: str = ""
    depends_on: tuple[str, ...] = ()
    has_health_check: bool = False
    replicas: int = 1
    level: int = 0
    content_hash: str = ""
    published_ports: tuple[int, ...] = ()
    free_ports: tuple[int, ...] = ()
    aspects: Mapping[str, str] = field(default_factory=dict)
    starts_first: bool = False
    volumes: tuple[str, ...] = ()
    host_paths: tuple[str, ...] = ()
    data_release: str = ""
    build_folder: str = ""
    build_dockerfile: str = ""
    build_target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    build_secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_built_specially(self) -> bool:
        """Whether its code alone does not say how it is built."""
        return any((self.build_folder, self.build_dockerfile, self.build_target, self.build_args, self.build_secrets))


@dataclass(frozen=True, slots=True, kw_only=True)
class StackJob:
    """What runs to its end before the services that lead to it; `needs` are the services that must run before it.

    One `by_hand` runs when somebody asks for it, and by its `schedule`, a cron expression, where it has one.
    """

    service: StackService
    repeatable: bool
    timeout_seconds: int
    needs: tuple[str, ...]
    before: tuple[str, ...]
    by_hand: bool = False
    schedule: str = ""
    time_zone: str = ""
    overlap: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """`services` in start order, without `jobs`. `overrides` tells which variable hides another, for people to read.

    `domains` tells for each domain of the graph which node wants it.
    """

    name: str
    engine: Engine
    files: Mapping[str, str]
    services: tuple[StackService, ...]
    variables: tuple[Variable, ...]
    names: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    content_hash: str = ""
    domains: Mapping[str, str] = field(default_factory=dict)
    jobs: tuple[StackJob, ...] = ()

    @property
    def everything(self) -> tuple[StackService, ...]:
        """Return the services, and the jobs as services: all that is made of something."""
        return (*self.services, *(job.service for job in self.jobs))
