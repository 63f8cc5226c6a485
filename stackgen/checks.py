"""What cannot be meant, though each value alone is fine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from stackgen.errors import Problem
from stackgen.nodes import Graph, Node, NodeType
from stackgen.problems import bytes_of
from stackgen.raw import RawEdge, RawNode

HTTP_PORT, HTTPS_PORT = 80, 443


def known_edges(nodes: Iterable[RawNode], edges: Iterable[RawEdge], problems: list[Problem]) -> list[RawEdge]:
    """The edges that join two different nodes of the graph; the others become problems."""
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
    """Problems between values of a node, and between nodes. The graph may lack nodes that were unreadable."""
    nodes = {node.id: node for node in graph.nodes}
    for edge in graph.edges:
        source, target = nodes.get(edge.source), nodes.get(edge.target)
        if source is not None and target is not None and source.type.is_store:
            message = f"a {_kind(source)} depends on nothing, but this leads to {target.label!r}"
            yield _at(source, f"edge {edge.id}", message)
    routed = {edge.target for edge in graph.edges if edge.source in nodes and nodes[edge.source].type.is_gateway}
    for node in graph.nodes:
        yield from _check_node(node, is_routed=node.id in routed)
    yield from _check_host_ports(graph)
    for edge in graph.edges:
        source, target = nodes.get(edge.source), nodes.get(edge.target)
        if source is not None and source.type.is_gateway and target is not None and _needs_plain_names(source):
            yield from _check_wildcard(target, "config.domain", target.settings.domain)
    yield from _check_traefik(graph, nodes)


def _check_node(node: Node, *, is_routed: bool) -> Iterator[Problem]:
    settings = node.settings
    if node.type is NodeType.SERVICE and settings.port is None:
        if settings.health_path:
            yield _at(node, "config.port", "is needed: config.healthPath is asked there")
        if settings.host_port is not None:
            yield _at(node, "config.port", "is needed: config.hostPort leads there")
        if is_routed:
            yield _at(node, "config.port", "is needed: a gateway leads there")
    if node.type.is_store and settings.replicas > 1:
        yield _at(node, "config.replicas", f"a {_kind(node)} runs once; copies of it would not share their data")
    if settings.cpu and float(settings.cpu_reservation or 0) > float(settings.cpu):
        yield _at(node, "config.cpuReservation", f"is more than config.cpu allows, {settings.cpu}")
    if settings.memory and bytes_of(settings.memory_reservation) > bytes_of(settings.memory):
        yield _at(node, "config.memoryReservation", f"is more than config.memory allows, {settings.memory}")
    if node.type.is_gateway and _needs_plain_names(node):
        yield from _check_wildcard(node, "config.domain", settings.domain)
        for name, place in settings.routes.items():
            yield from _check_wildcard(node, f"config.route.{name}", place)


def serves_https(node: Node) -> bool:
    """Whether a gateway fetches certificates by itself, which takes the usual ports."""
    return bool(node.settings.domain) and node.settings.port is None


def _needs_plain_names(gateway: Node) -> bool:
    return serves_https(gateway) or gateway.settings.gateway == "traefik"


def _check_wildcard(node: Node, field: str, domain: str) -> Iterator[Problem]:
    """A certificate for all names below a domain takes its name server, and a host of Traefik's is one name."""
    if domain.startswith("*."):
        yield _at(node, field, f"{domain!r} must be one name: the gateway cannot serve all below a domain")


def _check_traefik(graph: Graph, nodes: Mapping[str, Node]) -> Iterator[Problem]:
    """A label tells Traefik in which network a service is, and a service has one label of that name."""
    first: dict[str, Node] = {}
    for edge in graph.edges:
        gateway, target = nodes.get(edge.source), nodes.get(edge.target)
        if gateway is None or target is None or gateway.settings.gateway != "traefik":
            continue
        if gateway.type.is_gateway and first.setdefault(target.id, gateway) is not gateway:
            message = f"leads to {target.label!r} as {first[target.id].label!r} does, which only caddy can"
            yield _at(gateway, "config.gateway", message)


def published_ports(node: Node) -> tuple[tuple[int, int], ...]:
    """Pairs of port on the host and port in the container, for gateways and nodes that ask for it."""
    settings = node.settings
    if node.type.is_gateway:
        if serves_https(node):
            return ((HTTP_PORT, HTTP_PORT), (HTTPS_PORT, HTTPS_PORT))
        inside = settings.port or HTTP_PORT
        return ((settings.host_port or inside, inside),)
    if settings.host_port is None or settings.port is None:
        return ()
    return ((settings.host_port, settings.port),)


def _check_host_ports(graph: Graph) -> Iterator[Problem]:
    users: dict[int, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        for host_port, _ in published_ports(node):
            users[host_port].append(node)
    for port, nodes in users.items():
        for node in nodes[1:]:
            yield _at(node, "config.hostPort", f"port {port} of the host is taken by {nodes[0].label!r}")


def _kind(node: Node) -> str:
    return node.settings.kind or node.type.name.lower()


def _at(node: Node, field: str, message: str) -> Problem:
    return Problem(node_id=node.id, node_name=node.label, field=field, message=message)
