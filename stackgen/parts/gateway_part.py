"""A gateway as a part: Caddy, or Traefik where the graph says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from stackgen.graph.checks import published_ports
from stackgen.nodes import Node
from stackgen.parts import gateway, traefik
from stackgen.parts.types import Part

USUAL_STOP_GRACE_SECONDS = 10


class MakesPart(Protocol):
    def __call__(
        self,
        node: Node,
        upstreams: Sequence[gateway.Upstream],
        *,
        name: str,
        image: str,
        environment: Mapping[str, str],
    ) -> tuple[Part, list[str]]:
        """Return the part, and what people should know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayProgram:
    """`name` is the one under which an installation may replace `image`."""

    name: str
    image: str
    part: MakesPart


def gateway_program(node: Node) -> GatewayProgram:
    """Return what runs as this gateway."""
    if node.settings.gateway == "traefik":
        return GatewayProgram(name="traefik", image=traefik.IMAGE, part=_traefik)
    return GatewayProgram(name="caddy", image=gateway.IMAGE, part=_caddy)


def _caddy(
    node: Node, upstreams: Sequence[gateway.Upstream], *, name: str, image: str, environment: Mapping[str, str]
) -> tuple[Part, list[str]]:
    config = gateway.configure(node, upstreams, image=image)
    part = Part(
        node=node,
        name=name,
        image=image,
        environment=environment,
        health=config.health,
        files=(gateway.mounted_file(name, config),),
        volumes=gateway.volumes(node),
        ports=published_ports(node),
        stop_grace_seconds=node.settings.stop_grace_seconds or USUAL_STOP_GRACE_SECONDS,
    )
    return part, list(config.warnings)


def _traefik(
    node: Node, upstreams: Sequence[gateway.Upstream], *, name: str, image: str, environment: Mapping[str, str]
) -> tuple[Part, list[str]]:
    routes, warnings = gateway.routes_of(node, upstreams)
    part = Part(
        node=node,
        name=name,
        image=image,
        environment=environment,
        command=traefik.command(node),
        health=traefik.health_test(node),
        files=(traefik.mounted_file(node, routes, name=name),),
        volumes=gateway.volumes(node),
        ports=published_ports(node),
        stop_grace_seconds=node.settings.stop_grace_seconds or USUAL_STOP_GRACE_SECONDS,
    )
    return part, [*warnings, f"{node.label!r} {traefik.WARNING}"]
