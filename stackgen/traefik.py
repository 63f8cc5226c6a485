"""Traefik instead of Caddy (`gateway: traefik`): it finds its routes in labels on the services, by Docker's socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stackgen.gateway import HEALTH_PORTS, Route, own_address, volumes
from stackgen.nodes import Node
from stackgen.results import Engine

IMAGE = "traefik:v3.5"
SOCKET = "/var/run/docker.sock"
WARNING = "reads Docker's socket, which gives it power over the host; the usual gateway does without"


def _ping(node: Node) -> tuple[str, ...]:
    port = next(port for port in HEALTH_PORTS if port != node.settings.port)
    return ("--ping=true", "--ping.entrypoint=ping", f"--entrypoints.ping.address=127.0.0.1:{port}")


def health_test(node: Node) -> tuple[str, ...]:
    """Asks the gateway from inside its container; the command must be told what the gateway itself was told."""
    return ("CMD", "traefik", "healthcheck", *_ping(node))


def command(node: Node, *, stack_name: str, name: str, engine: Engine) -> tuple[str, ...]:
    """Which containers it looks at, and where it listens."""
    provider = "swarm" if engine == "swarm" else "docker"
    common = (
        f"--providers.{provider}=true",
        f"--providers.{provider}.exposedbydefault=false",
        f"--providers.{provider}.constraints=Label(`{_mark(stack_name, name)}`, `true`)",
        *_ping(node),
    )
    if not volumes(node):
        return (*common, f"--entrypoints.web.address=:{node.settings.port or 80}")
    return (
        *common,
        "--entrypoints.web.address=:80",
        "--entrypoints.web.http.redirections.entrypoint.to=websecure",
        "--entrypoints.websecure.address=:443",
        "--certificatesresolvers.le.acme.tlschallenge=true",
        "--certificatesresolvers.le.acme.storage=/data/acme.json",
    )


def _mark(stack_name: str, gateway: str) -> str:
    """The label by which a gateway knows its own services from everybody else's on the host."""
    return f"axion.gateway.{stack_name}.{gateway}"


def labels(
    node: Node, routes: Sequence[Route], *, stack_name: str, name: str, networks: Mapping[str, str], engine: Engine
) -> dict[str, dict[str, str]]:
    """Service name to the labels it needs. `networks` names the network that the gateway shares with each service."""
    found: dict[str, dict[str, str]] = {}
    for number, route in enumerate(routes):
        service = route.upstream.name
        mine = found.setdefault(service, {})
        provider = "swarm" if engine == "swarm" else "docker"
        mine["traefik.enable"] = "true"
        mine[_mark(stack_name, name)] = "true"
        mine[f"traefik.{provider}.network"] = f"{stack_name}_{networks[service]}"
        mine.update(_router(f"{stack_name}-{name}-{service}-{number}", node, route))
    return found


def _router(key: str, node: Node, route: Route) -> dict[str, str]:
    router = f"traefik.http.routers.{key}"
    secure = bool(volumes(node))
    written = {
        f"{router}.rule": _rule(node, route),
        f"{router}.entrypoints": "websecure" if secure else "web",
        f"{router}.service": key,
        f"traefik.http.services.{key}.loadbalancer.server.port": str(route.upstream.port),
    }
    if secure:
        written[f"{router}.tls.certresolver"] = "le"
    if route.path and route.upstream.strip_prefix:
        written[f"{router}.middlewares"] = f"{key}-strip"
        written[f"traefik.http.middlewares.{key}-strip.stripprefix.prefixes"] = route.path
    return written


def _rule(node: Node, route: Route) -> str:
    # A bare prefix `/a` would take `/ab` too.
    path = f"(Path(`{route.path}`) || PathPrefix(`{route.path}/`))" if route.path else "PathPrefix(`/`)"
    if route.address == own_address(node) and not node.settings.domain:
        return path
    host = route.address.removeprefix("http://").split(":")[0]
    return f"Host(`{host}`) && {path}"
