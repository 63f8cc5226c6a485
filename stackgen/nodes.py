"""The graph as data. In an edge the source depends on the target: the caller needs the callee."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class NodeType(Enum):
    """What a node is. The first three have a number on the wire; the others come by name only."""

    SERVICE = "SERVICE"
    DATABASE = "DATABASE"
    GATEWAY = "GATEWAY"
    QUEUE = "QUEUE"
    CACHE = "CACHE"
    INGRESS = "INGRESS"

    @property
    def is_database(self) -> bool:
        """Whether it is a database, queue or cache: these answer, and depend on nothing."""
        return self in DATABASES

    @property
    def is_gateway(self) -> bool:
        return self in GATEWAYS


DATABASES = frozenset({NodeType.DATABASE, NodeType.QUEUE, NodeType.CACHE})
GATEWAYS = frozenset({NodeType.GATEWAY, NodeType.INGRESS})
# Networks of a node in which it meets nobody of its stack.
APART = frozenset({"none", "host"})
NODE_NUMBERS = {1: NodeType.SERVICE, 2: NodeType.DATABASE, 3: NodeType.GATEWAY}


class EdgeType(Enum):
    """How the source speaks to the target. What follows from an edge is decided by what its target is."""

    RABBITMQ = "RABBITMQ"
    HTTP = "HTTP"
    DATABASE = "DATABASE"
    GRPC = "GRPC"
    KAFKA = "KAFKA"


EDGE_NUMBERS = {1: EdgeType.RABBITMQ, 2: EdgeType.HTTP, 3: EdgeType.DATABASE}


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMount:
    """Where a volume is mounted in the container."""

    path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryMount:
    """A folder in memory; an empty size is Docker's, no mode 1777."""

    size: str = ""
    mode: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ulimit:
    """A limit of processes; -1 is none."""

    soft: int
    hard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPort:
    """A port of the host that leads to one of the container. No `address`: of all addresses of the host.

    No `outside`: any port that is free when the container starts.
    """

    address: str = ""
    outside: int | None
    inside: int
    protocol: str = "tcp"

    def meets(self, other: PublishedPort) -> bool:
        """Return whether a host can give only one of the two."""
        if self.outside is None:
            return False
        same = (self.outside, self.protocol) == (other.outside, other.protocol)
        return same and (self.address == other.address or not self.address or not other.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A node's config as typed values. Empty text and None mean "not given"."""

    port: int | None = None
    host_port: int | None = None
    replicas: int = 1
    cpu: str = ""
    memory: str = ""
    cpu_reservation: str = ""
    memory_reservation: str = ""
    processes: int | None = None
    stop_grace_seconds: int | None = None
    placement: str = ""
    health_path: str = ""
    health_host: str = ""
    runtime: str = ""
    spa: bool | None = None
    image: str = ""
    command: str = ""
    domain: str = ""
    path: str = ""
    strip_prefix: bool = True
    gateway: str = "caddy"
    routes: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    connection_name: str = ""
    database: str = ""
    database_version: int | None = None
    user: str = ""
    password_given: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    volumes: Mapping[str, VolumeMount] = field(default_factory=dict)
    shared_volumes: Mapping[str, VolumeMount] = field(default_factory=dict)
    volume_names: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    file_modes: Mapping[str, int] = field(default_factory=dict)
    ports: tuple[PublishedPort, ...] = ()
    health_command: str = ""
    health_interval: str = ""
    health_timeout: str = ""
    health_retries: int | None = None
    health_start_period: str = ""
    entrypoint: str = ""
    run_as: str = ""
    working_dir: str = ""
    restart: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    init: bool | None = None
    stop_signal: str = ""
    hostname: str = ""
    aliases: tuple[str, ...] = ()
    shm_size: str = ""
    ulimits: Mapping[str, Ulimit] = field(default_factory=dict)
    tmpfs: Mapping[str, MemoryMount] = field(default_factory=dict)
    read_only: bool = False
    extra_hosts: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""
    sysctls: Mapping[str, str] = field(default_factory=dict)
    log_driver: str = ""
    log_options: Mapping[str, str] = field(default_factory=dict)
    cap_drop: tuple[str, ...] = ()
    tty: bool = False
    stdin_open: bool = False
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    network: str = ""
    host_paths: Mapping[str, VolumeMount] = field(default_factory=dict)
    privileged: bool = False
    pid: str = ""
    ipc: str = ""
    cap_add: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    gpus: str = ""
    security_opt: tuple[str, ...] = ()
    external: bool = False
    host: str = ""
    scheme: str = ""
    databases: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    replica_set: str = ""
    build_folder: str = ""
    dockerfile: str = ""
    build_target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    build_secrets: Mapping[str, str] = field(default_factory=dict)
    secret_files: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    schedule: str = ""
    time_zone: str = ""
    overlap: str = ""
    repeatable: bool = False
    job_timeout_seconds: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """`label` is the name that people gave, `config` all they wrote, unknown keys too."""

    id: str
    type: NodeType
    label: str
    blueprint_id: str
    config: Mapping[str, str]
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    id: str
    source: str
    target: str
    type: EdgeType


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes and edges in the order of the graph; ids are unique and every edge joins two of the nodes.

    `warnings` are sentences for people: what the graph says that means nothing here.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    warnings: tuple[str, ...] = ()
