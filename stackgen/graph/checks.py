"""What cannot be meant, though each value alone is fine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from stackgen.databases.kind import DataPlace
from stackgen.databases.known import KINDS
from stackgen.databases.places import moved_outside, place_of
from stackgen.errors import Problem
from stackgen.graph.raw import RawEdge, RawNode
from stackgen.keys.amounts import bytes_of, shown
from stackgen.keys.jobs import APART_FROM_DEPLOYMENTS, ON_SCHEDULE
from stackgen.keys.stores import ONLY_OF
from stackgen.nodes import APART, Graph, Node, NodeType, PublishedPort
from stackgen.references import why_others

HTTP_PORT, HTTPS_PORT = 80, 443
# Options of servers that would have them keep data where no volume is.
MOVING = frozenset({"--dir", "--datadir", "--dbpath", "-sd", "--store_dir", "--data-dir", "--db-path"})
# So many addresses of a host are told apart for one port.
MAX_ADDRESSES_OF_A_PORT = 50


def known_edges(nodes: Iterable[RawNode], edges: Iterable[RawEdge], problems: list[Problem]) -> list[RawEdge]:
    """Return the edges that join two different nodes of the graph; the others become problems."""
    names = {node.id: node.label for node in nodes}
    good = []
    for edge in edges:
        missing = [end for end in (edge.source, edge.target) if end not in names]
        if missing:
            problems.append(Problem(field=f"edge {edge.id}", message=f"points to {missing[0]!r}, which does not exist"))
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
    yield from _check_edges(graph, nodes)
    routed = {edge.target for edge in graph.edges if edge.source in nodes and nodes[edge.source].type.is_gateway}
    for node in graph.nodes:
        yield from _check_image(node)
        yield from _check_node(node, is_routed=node.id in routed)
        if node.type.is_database and node.settings.kind and not node.settings.external:
            yield from _check_place(node)
    yield from _check_host_ports(graph)
    if graph.nodes and all(node.settings.run for node in graph.nodes):
        yield Problem(field="nodes", message="are all jobs: a stack needs a service that stays")
    for edge in graph.edges:
        source, target = nodes.get(edge.source), nodes.get(edge.target)
        if target is not None and target.settings.run in APART_FROM_DEPLOYMENTS:
            message = f"is {target.settings.run}, but an edge leads to it: nothing can wait for it"
            yield _at(target, "config.run", message)
        if source is not None and source.type.is_gateway and target is not None and _needs_plain_names(source):
            yield from _check_wildcard(target, "config.domain", target.settings.domain)


def _check_edges(graph: Graph, nodes: Mapping[str, Node]) -> Iterator[Problem]:
    """Yield edges that join what cannot meet, or whose source could not use them."""
    for edge in graph.edges:
        source, target = nodes.get(edge.source), nodes.get(edge.target)
        for node in (source, target):
            if node is not None and node.settings.network in APART:
                yield _at(node, "config.network", f"{node.settings.network!r} meets nobody, but an edge joins it")
        if source is not None and source.settings.external and not source.type.is_database:
            yield _at(
                source, f"edge {edge.id}", "leads away from an external node, which nobody here can tell anything"
            )
        if source is not None and target is not None and source.type.is_database:
            message = f"a {_kind_of(source)} depends on nothing, but this leads to {target.label!r}"
            yield _at(source, f"edge {edge.id}", message)


def _check_elsewhere(node: Node) -> Iterator[Problem]:
    """Yield what an external node lacks: nobody here can know or make it."""
    settings = node.settings
    if not settings.host:
        yield _at(node, "config.host", "is needed: it says where the external node is")
    if settings.kind and KINDS[settings.kind].has_password and not settings.password_given:
        yield _at(node, "config.password", "is needed: none can be generated for a server that is elsewhere")


def _check_node(node: Node, *, is_routed: bool) -> Iterator[Problem]:
    settings = node.settings
    if settings.external:
        yield from _check_elsewhere(node)
        return
    yield from _check_port(node, is_routed=is_routed)
    yield from _check_pairs(node)
    given = {"databases": settings.databases, "extensions": settings.extensions, "replicaSet": settings.replica_set}
    for name in (name for name, value in given.items() if value and settings.kind not in ("", ONLY_OF[name])):
        yield _at(node, f"config.{name}", f"means something for {ONLY_OF[name]} only, not for {settings.kind}")
    if node.type.is_database and settings.replicas > 1:
        yield _at(node, "config.replicas", f"a {_kind_of(node)} cannot be scaled: copies would not share its data")
    if node.type.is_database and "." in settings.hostname:
        # Who writes a domain here most often means a server elsewhere; this one would begin empty.
        message = f"names the container itself; a server at {settings.hostname} is said with external and host"
        yield _at(node, "config.hostname", message)
    if settings.cpu and float(settings.cpu_reservation or 0) > float(settings.cpu):
        yield _at(node, "config.cpuReservation", f"is more than config.cpu allows, {settings.cpu}")
    if settings.memory and bytes_of(settings.memory_reservation) > bytes_of(settings.memory):
        yield _at(node, "config.memoryReservation", f"is more than config.memory allows, {settings.memory}")
    if node.type.is_gateway and _needs_plain_names(node):
        yield from _check_wildcard(node, "config.domain", settings.domain)
        for name, place in settings.routes.items():
            yield from _check_wildcard(node, f"config.route.{name}", place)


def _check_port(node: Node, *, is_routed: bool) -> Iterator[Problem]:
    settings = node.settings
    if node.type is NodeType.SERVICE and settings.port is None:
        if settings.health_path:
            yield _at(node, "config.port", "is needed: config.healthPath is asked there")
        if settings.host_port is not None:
            yield _at(node, "config.port", "is needed: config.hostPort leads there")
        if is_routed:
            yield _at(node, "config.port", "is needed: a gateway leads there")


def _check_pairs(node: Node) -> Iterator[Problem]:
    """Yield problems with keys that exclude each other, or that mean nothing alone."""
    settings = node.settings
    if settings.health_path and settings.health_command:
        yield _at(node, "config.healthCommand", "is given beside config.healthPath; only one of them can be asked")
    if settings.network in APART and (settings.ports or main_ports(node)):
        yield _at(node, "config.network", f"{settings.network!r} publishes no ports, but some of the host are given")
    if settings.run and node.type is NodeType.SERVICE:
        yield from _check_job(node)
    yield from _check_schedule(node)
    for path in sorted(settings.file_modes.keys() - settings.files.keys() - settings.secret_files.keys()):
        yield _at(node, f"config.fileMode.{path}", "has no file: there is no such config.file.")


def _check_schedule(node: Node) -> Iterator[Problem]:
    settings = node.settings
    # One that was given and cannot be read is a problem of its own.
    if settings.run == ON_SCHEDULE and not node.config.get("schedule"):
        yield _at(node, "config.schedule", "is needed: it says when the job runs")
    given = {"schedule": settings.schedule, "timeZone": settings.time_zone, "overlap": settings.overlap}
    for name in (name for name, value in given.items() if value and settings.run != ON_SCHEDULE):
        yield _at(node, f"config.{name}", f"means something only with config.run = {ON_SCHEDULE}")


def _check_job(node: Node) -> Iterator[Problem]:
    """Yield problems with what only a service that stays can have."""
    settings = node.settings
    kept = {
        "config.hostPort": settings.host_port is not None or settings.ports,
        "config.replicas": settings.replicas > 1,
        "config.healthPath": settings.health_path or settings.health_command,
        "config.domain": settings.domain or settings.path,
        "config.restart": settings.restart,
    }
    yield from (_at(node, field, "means nothing for a job, which runs to its end") for field in kept if kept[field])


def _check_image(node: Node) -> Iterator[Problem]:
    """Yield a problem with an image that others' code is in: what was built on a host, by its name or by its id."""
    if why := why_others(node.settings.image):
        yield _at(node, "config.image", f"{shown(node.settings.image)} {why}")


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
    words = (word.partition("=")[0] for word in settings.command.replace("-c data_directory", "-D ").split())
    for word in words:
        if word in MOVING or (word == "-D" and settings.kind == "postgresql"):
            yield _at(node, "config.command", f"{word} says where data lies, which is its volume, {_paths(place)}")
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


def published_ports(node: Node) -> tuple[PublishedPort, ...]:
    """Return the ports of the host that lead to a node, its main ones first: those of gateways, and those asked for."""
    return () if node.settings.external else (*main_ports(node), *node.settings.ports)


def main_ports(node: Node) -> tuple[PublishedPort, ...]:
    """Return the ports that lead to where the node itself listens."""
    settings = node.settings
    if node.type.is_gateway:
        if serves_https(node):
            return tuple(PublishedPort(outside=port, inside=port) for port in (HTTP_PORT, HTTPS_PORT))
        inside = settings.port or HTTP_PORT
        return (PublishedPort(outside=settings.host_port or inside, inside=inside),)
    listens = KINDS[settings.kind].port if settings.kind else settings.port
    if settings.host_port is None or listens is None:
        return ()
    return (PublishedPort(outside=settings.host_port, inside=listens),)


def _check_host_ports(graph: Graph) -> Iterator[Problem]:
    users: dict[tuple[int, str], list[tuple[Node, PublishedPort]]] = defaultdict(list)
    for node in graph.nodes:
        for port in published_ports(node):
            if port.outside is None:
                continue
            asked = users[port.outside, port.protocol]
            holder = next((other for other, theirs in asked if port.meets(theirs)), None)
            if holder is not None:
                field = "config.ports" if port in node.settings.ports else "config.hostPort"
                udp = "" if port.protocol == "tcp" else f" ({port.protocol})"
                yield _at(node, field, f"port {port.outside}{udp} of the host is taken by {holder.label!r}")
            elif len(asked) < MAX_ADDRESSES_OF_A_PORT:
                asked.append((node, port))


def _kind_of(node: Node) -> str:
    return node.settings.kind or node.type.name.lower()


def _at(node: Node, field: str, message: str) -> Problem:
    return Problem(node_id=node.id, node_name=node.label, field=field, message=message)
