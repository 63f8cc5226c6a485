"""Traefik instead of Caddy (`gateway: traefik`). Its routes come from a file, as they are known when it is written:

with Docker's socket it would have power over the host, and labels of any image on the host could steer it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stackgen.nodes import Node
from stackgen.parts.gateway import HEALTH_PORTS, Route, own_address, volumes
from stackgen.parts.types import MountedFile
from stackgen.yaml import Comment, Value, document

IMAGE = "traefik:v3.5"
ROUTES_PATH = "/etc/traefik/routes.yml"
WARNING = (
    "goes by the services' names, so while copies are exchanged it may reach one that is not ready; "
    "the usual gateway is led past those"
)


def _ping(node: Node) -> tuple[str, ...]:
    port = next(port for port in HEALTH_PORTS if port != node.settings.port)
    return ("--ping=true", "--ping.entrypoint=ping", f"--entrypoints.ping.address=127.0.0.1:{port}")


def health_test(node: Node) -> tuple[str, ...]:
    """Return a command that asks the gateway from inside; the command must be told what the gateway itself was told."""
    return ("CMD", "traefik", "healthcheck", *_ping(node))


def command(node: Node) -> tuple[str, ...]:
    """Return arguments that say where it reads its routes and where it listens."""
    common = (f"--providers.file.filename={ROUTES_PATH}", "--providers.file.watch=false", *_ping(node))
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


def mounted_file(node: Node, routes: Sequence[Route], *, name: str) -> MountedFile:
    """Return the routes where the gateway looks for them."""
    return MountedFile(name=f"{name}-routes", file=f"traefik.{name}.yml", target=ROUTES_PATH, text=_text(node, routes))


def _text(node: Node, routes: Sequence[Route]) -> str:
    """Return the text in quotes; no brace can be in it, as Traefik takes the file for a template."""
    named = {f"{route.upstream.name}-{number}": route for number, route in enumerate(routes)}
    http: dict[str, Value] = {
        "routers": {key: _router(key, node, route) for key, route in named.items()},
        "services": {
            key: {"loadBalancer": {"servers": [{"url": f"http://{route.upstream.name}:{route.upstream.port}"}]}}
            for key, route in named.items()
        },
        "middlewares": {
            f"{key}-strip": {"stripPrefix": {"prefixes": [route.path]}} for key, route in named.items() if _cuts(route)
        },
    }
    whole: dict[str | Comment, Value] = {Comment("Which requests this gateway leads where."): None}
    if written := {key: value for key, value in http.items() if value}:
        whole["http"] = written
    return document(whole)


def _router(key: str, node: Node, route: Route) -> Mapping[str, Value]:
    secure = bool(volumes(node))
    written: dict[str, Value] = {
        "rule": _rule(node, route),
        "entryPoints": ["websecure" if secure else "web"],
        "service": key,
    }
    if secure:
        written["tls"] = {"certResolver": "le"}
    if _cuts(route):
        written["middlewares"] = [f"{key}-strip"]
    return written


def _cuts(route: Route) -> bool:
    return bool(route.path and route.upstream.strip_prefix)


def _rule(node: Node, route: Route) -> str:
    # A bare prefix `/a` would take `/ab` too.
    path = f"(Path(`{route.path}`) || PathPrefix(`{route.path}/`))" if route.path else "PathPrefix(`/`)"
    if route.address == own_address(node) and not node.settings.domain:
        return path
    host = route.address.removeprefix("http://").split(":")[0]
    return f"Host(`{host}`) && {path}"
