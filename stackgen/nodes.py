"""The graph as data. In an edge the source depends on the target: the caller needs the callee."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    runtime: str = ""
    image: str = ""
    command: str = ""
    domain: str = ""
    path: str = ""
    strip_prefix: bool = True
    gateway: str = "caddy"
    routes: Mapping[str, str]
    kind: str = ""
    connection_name: str = ""
    database: str = ""
    database_version: int | None = None
    user: str = ""
    password_given: bool = False
    env: Mapping[str, str]
    secrets: tuple[str, ...] = ()


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
    """Nodes and edges in the order of the graph; ids are unique and every edge joins two of the nodes."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
