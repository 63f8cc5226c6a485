"""Where a stack answers once it runs: what people open after a deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents.errors import ServerNotFound
from agents.reports.observation import GIVEN_PORTS
from agents.services import directory
from deployments.repositories.observation import observed_stacks
from deployments.services.history import snapshots
from deployments.types import DeploymentRecord, Target, TargetKind

HTTPS_PORT = 443
# As agents tell it: of UDP no browser opens anything, so it is left out.
GIVEN = re.compile(r"(\d{1,5})->(\d{1,5})/tcp")
# Node types as graphs write them; databases answer, but not to a browser.
DATABASES = frozenset({"2", "DATABASE", "QUEUE", "CACHE"})


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a service answers. `url` is empty where no browser can go, or nobody said under which name."""

    node_id: str
    service: str
    text: str
    url: str


def addresses_of(deployment: DeploymentRecord) -> tuple[Address, ...]:
    """Return the addresses that the deployment's stack has when it runs: domains first, then ports of the host."""
    nodes = {str(node.get("id")): node for node in deployment.graph.get("nodes", ()) if isinstance(node, Mapping)}
    host = _host_of(deployment.target)
    found: list[Address] = []
    for service in snapshots.services_of(deployment.config):
        node = nodes.get(service.node_id, {})
        domain = str(_settings(node).get("domain") or "")
        if domain:
            found.append(_address(service.node_id, service.name, domain, f"https://{domain}/"))
        browsable = _is_browsable(node)
        for port in service.published_ports if not domain else ():
            scheme = "https" if port == HTTPS_PORT else "http"
            url = f"{scheme}://{host}:{port}/" if host and browsable else ""
            found.append(_address(service.node_id, service.name, f"{host}:{port}" if host else f"port {port}", url))
    found += _given_by_docker(deployment, host=host, nodes=nodes)
    return tuple(sorted(found, key=lambda each: not each.url))


def _given_by_docker(
    deployment: DeploymentRecord, *, host: str, nodes: Mapping[str, Mapping[str, Any]]
) -> Iterator[Address]:
    """Yield where services answer whose port of the host Docker chose, as their server saw it last."""
    services = [each for each in snapshots.services_of(deployment.config) if each.free_ports]
    if not services:
        return
    seen = observed_stacks.of_stack(project_id=deployment.project_id, server_id=deployment.target.id)
    containers = seen.containers if seen is not None else ()
    for service in services:
        browsable = _is_browsable(nodes.get(service.node_id, {}))
        words = {each.words_of(GIVEN_PORTS) for each in containers if each.service == service.name}
        for outside, inside in sorted(set(GIVEN.findall(", ".join(words)))):
            url = f"http://{host}:{outside}/" if host and browsable else ""
            text = f"{host}:{outside}" if host else f"port {outside}"
            yield _address(service.node_id, service.name, f"{text} (for {inside})", url)


def _is_browsable(node: Mapping[str, Any]) -> bool:
    return str(node.get("type")).upper() not in DATABASES


def shape_of(address: Address) -> dict[str, str]:
    """Return an address as pages and REST show it."""
    return {
        "nodeId": address.node_id,
        "serviceName": address.service,
        "text": address.text,
        "url": address.url,
    }


def _address(node_id: str, service: str, text: str, url: str) -> Address:
    return Address(node_id=node_id, service=service, text=text, url=url)


def _settings(node: Mapping[str, Any]) -> Mapping[str, Any]:
    data = node.get("data")
    config = data.get("config") if isinstance(data, Mapping) else None
    return config if isinstance(config, Mapping) else {}


def _host_of(target: Target) -> str:
    if target.kind is not TargetKind.SERVER:
        return ""
    try:
        host = directory.get_server(server_id=target.id).host
    except ServerNotFound:
        return ""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
