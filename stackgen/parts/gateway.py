"""The gateway's configuration from the edges: which address leads to which service.

A route is, in this order: `route.SERVICE` in the gateway's config, `domain` or `path` in the service's config, and
otherwise `/SERVICE/*`. The first callee in the graph that nobody gave a route takes `/` instead, unless another has
it. A prefix is cut off before the service sees the request, except with `stripPrefix: "false"` in its config.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from stackgen.databases.kind import Volume
from stackgen.graph.checks import serves_https
from stackgen.nodes import Graph, Node, NodeType
from stackgen.parts.render import render
from stackgen.parts.types import MountedFile
from stackgen.references import parse_reference

IMAGE = "caddy:2"
CONFIG_PATH = "/etc/caddy/Caddyfile"
HEALTH_PORTS = (2020, 2021)
# Inside the container only: there the gateway is told which copies of a service to lead to.
ADMIN_PORTS = (2019, 2018)
# From 2.7 on Caddy can leave websockets open when it is reloaded, which every deployment does.
FIRST_WITH_STREAMS = 7
OLD_TAG = re.compile(r"2\.(\d+)(?:[.-].*)?|1(?:\..*)?")
HEALTH_TEST = ("CMD", "wget", "-q", "-T", "2", "-O", "/dev/null")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A service that a gateway calls, in the order of the graph."""

    name: str
    label: str
    port: int
    domain: str
    path: str
    strip_prefix: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`path` without a slash at its end; empty for everything."""

    address: str
    path: str
    upstream: Upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """The text of the Caddyfile, the health check's command and what people should know."""

    text: str
    health: tuple[str, ...]
    warnings: tuple[str, ...]


def configure(node: Node, upstreams: Iterable[Upstream], *, image: str = IMAGE) -> GatewayConfig:
    """Return Caddy's configuration for one gateway that runs this image."""
    routes, warnings = routes_of(node, upstreams)
    inside = node.settings.port or 80
    health_port = next(port for port in HEALTH_PORTS if port != inside)
    admin_port = next(port for port in ADMIN_PORTS if port != inside)
    sites: dict[str, list[Route]] = {own_address(node): []}
    # The longer path first: it is the narrower one.
    for route in sorted(routes, key=lambda route: (route.address, -len(route.path), route.path)):
        sites.setdefault(route.address, []).append(route)
    written = {address: [asdict(route) for route in found] for address, found in sites.items()}
    ports = {"health_port": health_port, "admin_port": admin_port, "keeps_streams": _keeps_streams(image)}
    text = render("Caddyfile.j2", {"sites": written, "has_domain": bool(volumes(node)), **ports})
    health = (*HEALTH_TEST, f"http://127.0.0.1:{health_port}/")
    return GatewayConfig(text=text, health=health, warnings=tuple(warnings))


def _keeps_streams(image: str) -> bool:
    """Return False for a tag that names an older release; an image of another name is taken for a new one."""
    reference = parse_reference(image)
    old = OLD_TAG.fullmatch(reference.tag) if reference.name == "caddy" else None
    return old is None or (old[1] is not None and int(old[1]) >= FIRST_WITH_STREAMS)


def mounted_file(name: str, config: GatewayConfig) -> MountedFile:
    """Return the configuration where the gateway's image looks for it."""
    return MountedFile(name=f"{name}-caddyfile", file=f"Caddyfile.{name}", target=CONFIG_PATH, text=config.text)


def unused_settings(node: Node) -> Iterator[str]:
    """Return a sentence for each setting that a gateway like this does not use."""
    if serves_https(node) and node.settings.host_port:
        yield f"{node.label!r} serves its domain on 80 and 443; its hostPort {node.settings.host_port} is not used"


def can_be_led_to(target: Node) -> bool:
    """Return whether a gateway leads requests to nodes like this: services that run here."""
    return target.type is NodeType.SERVICE and not target.settings.external


def upstream_of(target: Node, *, name: str, port: int) -> Upstream:
    """Return a service as a gateway calls it."""
    settings = target.settings
    return Upstream(
        name=name,
        label=target.label,
        port=port,
        domain=settings.domain,
        path=settings.path,
        strip_prefix=settings.strip_prefix,
    )


def own_address(node: Node) -> str:
    """Return the site of the gateway itself: its domain, which brings HTTPS by itself, or every name on its port."""
    settings = node.settings
    if volumes(node):
        return settings.domain
    return f"{'http://' + settings.domain if settings.domain else ''}:{settings.port or 80}"


def routes_of(node: Node, upstreams: Iterable[Upstream]) -> tuple[list[Route], list[str]]:
    """Return one route for each place, and a sentence for each that two services want."""
    routes: dict[tuple[str, str], Route] = {}
    warnings = []
    unrouted = []
    for upstream in upstreams:
        wanted = _wanted(node, upstream)
        if wanted is None:
            unrouted.append(upstream)
            wanted = (own_address(node), f"/{upstream.name}")
        route = Route(address=wanted[0], path=wanted[1], upstream=upstream)
        if (first := routes.setdefault(wanted, route)) is not route:
            where = f"{wanted[0]}{wanted[1] or '/'}"
            warnings.append(f"{node.label!r} leads {where} to {first.upstream.name}, not to {upstream.name}")
    everything = (own_address(node), "")
    if unrouted and everything not in routes:
        routes[everything] = Route(address=everything[0], path="", upstream=unrouted[0])
        # Not under its name as well: an `api` at `/` may have pages of its own below `/api`.
        del routes[own_address(node), f"/{unrouted[0].name}"]
    return list(routes.values()), warnings


def _wanted(node: Node, upstream: Upstream) -> tuple[str, str] | None:
    chosen = node.settings.routes.get(upstream.label) or node.settings.routes.get(upstream.name)
    if chosen and chosen.startswith("/"):
        return own_address(node), chosen.rstrip("/")
    if chosen:
        return _address(node, chosen), ""
    if upstream.domain or upstream.path:
        address = _address(node, upstream.domain) if upstream.domain else own_address(node)
        return (address, upstream.path.rstrip("/"))
    return None


def _address(node: Node, domain: str) -> str:
    """Return the site of a domain: with HTTPS where the gateway fetches certificates, otherwise plain on its port."""
    if volumes(node):
        return domain
    return f"http://{domain}:{node.settings.port or 80}"


def volumes(node: Node) -> tuple[Volume, ...]:
    """Return the volume of the certificates: without one their issuer would soon refuse new ones."""
    return (Volume(name="data", path="/data"),) if serves_https(node) else ()


def not_offered(graph: Graph) -> list[str]:
    """Return a warning for each service that says where it is offered, though no gateway leads to it."""
    gateways = {node.id for node in graph.nodes if node.type.is_gateway}
    reached = {edge.target for edge in graph.edges if edge.source in gateways}
    return [
        f"{node.label!r}: config.{key} leads nowhere: no gateway is joined with it"
        for node in graph.nodes
        for key, given in (("domain", node.settings.domain), ("path", node.settings.path))
        if given and not node.type.is_gateway and not node.settings.external and node.id not in reached
    ]
