"""What cannot be meant, though each value alone is fine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from stackgen.databases.kind import DataPlace
from stackgen.databases.known import KINDS
from stackgen.databases.places import moved_outside, place_of
from stackgen.errors import Problem
from stackgen.graph.problems import bytes_of, shown
from stackgen.graph.raw import RawEdge, RawNode
from stackgen.nodes import Graph, Node, NodeType

HTTP_PORT, HTTPS_PORT = 80, 443


def known_edges(nodes: Iterable[RawNode], edges: Iterable[RawEdge], problems: list[Problem]) -> list[RawEdge]:
    """Return the edges that join two different nodes of the graph; the others become problems."""
    names = {node.id: node.label for node in nodes}
    good = []
    for edge in edges:
        missing = [end for end in (edge.source, edge.target) if end not in names]
        if missing:
            problems.append(Problem(field=f"edge {edge.id}", message=f"leads to {missing[0]!r}, which is no node"))
        elif edge.source == edge.target:
            problems.append(
                Problem(
                    node_id=edge.source,
                    node_name=names[edge.source],
                    field=f"edge {edge.id}",
                    message="joins the node with itself",
                )
            )
        else:
            good.append(edge)
    return good


def check_meaning(graph: Graph) -> Iterator[Problem]:
    """Yield problems between values of a node, and between nodes. The graph may lack nodes that were unreadable."""
    nodes = {node.id: node for node in graph.nodes}
    for edge in graph.edges:
        source, target = nodes.get(edge.source), nodes.get(edge.target)
        if source is not None and target is not None and source.type.is_database:
            message = f"a {_kind_of(source)} depends on nothing, but this leads to {target.label!r}"
            yield _at(source, f"edge {edge.id}", message)
    routed = {edge.target for edge in graph.edges if edge.source in nodes and nodes[edge.source].type.is_gateway}
    for node in graph.nodes:
        yield from _check_node(node, is_routed=node.id in routed)
        if node.type.is_database and node.settings.kind:
            yield from _check_place(node)
    yield from _check_host_ports(graph)
    for edge in graph.edges:
        source, target = nodes.get(edge.source), nodes.get(edge.target)
        if source is not None and source.type.is_gateway and target is not None and _needs_plain_names(source):
            yield from _check_wildcard(target, "config.domain", target.settings.domain)


def _check_node(node: Node, *, is_routed: bool) -> Iterator[Problem]:
    settings = node.settings
    if node.type is NodeType.SERVICE and settings.port is None:
        if settings.health_path:
            yield _at(node, "config.port", "is needed: config.healthPath is asked there")
        if settings.host_port is not None:
            yield _at(node, "config.port", "is needed: config.hostPort leads there")
        if is_routed:
            yield _at(node, "config.port", "is needed: a gateway leads there")
    if node.type.is_database and settings.replicas > 1:
        yield _at(node, "config.replicas", f"a {_kind_of(node)} runs once; copies of it would not share their data")
    if settings.cpu and float(settings.cpu_reservation or 0) > float(settings.cpu):
        yield _at(node, "config.cpuReservation", f"is more than config.cpu allows, {settings.cpu}")
    if settings.memory and bytes_of(settings.memory_reservation) > bytes_of(settings.memory):
        yield _at(node, "config.memoryReservation", f"is more than config.memory allows, {settings.memory}")
    if node.type.is_gateway and _needs_plain_names(node):
        yield from _check_wildcard(node, "config.domain", settings.domain)
        for name, place in settings.routes.items():
            yield from _check_wildcard(node, f"config.route.{name}", place)


def _check_place(node: Node) -> Iterator[Problem]:
    """Yield problems with where the data lies: outside a volume it goes with the container."""
    settings, kind = node.settings, KINDS[node.settings.kind]
    try:
        place = place_of(kind, image=settings.image or kind.image, version=settings.database_version)
    except ValueError as error:
        yield _at(node, "config.image", str(error))
        return
    for name in moved_outside(kind, place, env=settings.env):
        yield _at(node, f"config.env.{name}", f"{shown(settings.env[name])} lies outside its volume, {_paths(place)}")
    for name in kind.place_variables.intersection(settings.secrets):
        message = f"says where data lies, which nobody can check: give it as env.{name}"
        yield _at(node, f"config.secret.{name}", message)


def _paths(place: DataPlace) -> str:
    return " and ".join(volume.path for volume in place.volumes)


def serves_https(node: Node) -> bool:
    """Return whether a gateway fetches certificates by itself, which takes the usual ports."""
    return bool(node.settings.domain) and node.settings.port is None


def _needs_plain_names(gateway: Node) -> bool:
    return serves_https(gateway) or gateway.settings.gateway == "traefik"


def _check_wildcard(node: Node, field: str, domain: str) -> Iterator[Problem]:
    """Yield a problem for `*.`: such a certificate takes the name server, and a host of Traefik's is one name."""
    if domain.startswith("*."):
        yield _at(node, field, f"{domain!r} must be one name: the gateway cannot serve all below a domain")


def published_ports(node: Node) -> tuple[tuple[int, int], ...]:
    """Return pairs of port on the host and port in the container, for gateways and nodes that ask for it."""
    settings = node.settings
    if node.type.is_gateway:
        if serves_https(node):
            return ((HTTP_PORT, HTTP_PORT), (HTTPS_PORT, HTTPS_PORT))
        inside = settings.port or HTTP_PORT
        return ((settings.host_port or inside, inside),)
    listens = KINDS[settings.kind].port if settings.kind else settings.port
    if settings.host_port is None or listens is None:
        return ()
    return ((settings.host_port, listens),)


def _check_host_ports(graph: Graph) -> Iterator[Problem]:
    users: dict[int, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        for host_port, _ in published_ports(node):
            users[host_port].append(node)
    for port, nodes in users.items():
        for node in nodes[1:]:
            yield _at(node, "config.hostPort", f"port {port} of the host is taken by {nodes[0].label!r}")


def _kind_of(node: Node) -> str:
    return node.settings.kind or node.type.name.lower()


def _at(node: Node, field: str, message: str) -> Problem:
    return Problem(node_id=node.id, node_name=node.label, field=field, message=message)
