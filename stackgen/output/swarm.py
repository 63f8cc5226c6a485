"""The document that `docker stack deploy` reads: without what Swarm refuses or ignores, with what only Swarm has."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from stackgen.nodes import PublishedPort
from stackgen.output.compose import health_of, words_of
from stackgen.output.container import (
    config_of,
    container_of,
    dropped,
    hostname_of,
    init_of,
    logging_of,
    mounts,
    networks_of,
    resources,
)
from stackgen.output.layout import Identity, Layout, identify
from stackgen.parts.names import MAX_NAME_LENGTH, short_hash
from stackgen.parts.types import Part
from stackgen.yaml import Comment, Value

# Swarm puts the stack's name before the service's, and a name ends at 63 characters.
MAX_SWARM_NAME_LENGTH = 63
RESTART: Mapping[str, Value] = {"condition": "any", "delay": "2s"}


def max_name_length(stack_name: str) -> int:
    """Return how long a service's own name may be. Raises ValueError when the stack's name leaves too little."""
    left = MAX_SWARM_NAME_LENGTH - len(stack_name) - 1
    if left < 8:
        raise ValueError(f"too long a name for a stack in Swarm: {stack_name}")
    return min(MAX_NAME_LENGTH, left)


def warnings_of(parts: Collection[Part]) -> list[str]:
    """Return a warning for each volume that may be left behind: Swarm may start its service elsewhere."""
    return [
        f"the data of {part.name} stays on the machine where it first ran; say which with config.placement"
        for part in parts
        if part.volumes and not part.node.settings.placement
    ]


def swarm_document(layout: Layout) -> tuple[dict[str | Comment, Value], dict[str, Identity]]:
    """Return the whole file, and what identifies each service, by its name."""
    services: dict[str | Comment, Value] = {}
    identities: dict[str, Identity] = {}
    for part in layout.parts:
        definition = _service(part, layout)
        identity = identities[part.name] = identify(part, definition)
        services[Comment()] = None
        services[part.name] = _labelled(definition, layout.labels(part, identity.content_hash))
    document: dict[str | Comment, Value] = {
        Comment(f"Stack {layout.stack_name} for Swarm, generated from its drawing."): None,
        Comment("Swarm knows no start order: every service starts at once and is restarted until it can run."): None,
        Comment(
            "What stands in ${...} is supplied by the environment of `docker stack deploy`; see .env.example."
        ): None,
        "version": "3.9",
        Comment(): None,
        "services": services,
        **_shared(layout),
    }
    return document, identities


def _service(part: Part, layout: Layout) -> dict[str, Value]:
    definition: dict[str, Value] = {
        "image": part.image,
        "init": init_of(part),
        "hostname": hostname_of(part),
        "entrypoint": words_of(part.entrypoint),
        "command": words_of(part.command),
        **container_of(part),
        "environment": dict(part.environment),
        "volumes": mounts(part),
        "configs": [config_of(file) for file in part.files],
        "ports": [_port(port, layout) for port in part.ports],
        "networks": networks_of(part, layout.networks[part.name]),
        "healthcheck": health_of(part, layout),
        "stop_grace_period": f"{part.stop_grace_seconds}s",
        # Swarm ignores `security_opt`.
        "cap_drop": dropped(part),
        "logging": logging_of(part),
        "deploy": _deploy(part, layout),
    }
    return {key: value for key, value in definition.items() if value not in (None, {}, [], ())}


def _labelled(definition: Mapping[str, Value], labels: dict[str, Value]) -> dict[str, Value]:
    """Return the definition with labels on the containers and on the service, which is what Swarm lists."""
    deploy = definition["deploy"]
    assert isinstance(deploy, dict)
    return {**definition, "labels": labels, "deploy": deploy | {"labels": labels}}


def _port(port: PublishedPort, layout: Layout) -> dict[str, Value]:
    where: dict[str, Value] = {"target": port.inside}
    if port.outside is not None:
        where["published"] = port.outside
    return {**where, "protocol": port.protocol, "mode": layout.options.swarm_ports}


def _deploy(part: Part, layout: Layout) -> dict[str, Value]:
    settings = part.node.settings
    order = "start-first" if layout.starts_first(part) else "stop-first"
    deploy: dict[str, Value] = {
        "replicas": settings.replicas,
        "endpoint_mode": layout.options.swarm_endpoints if layout.options.swarm_endpoints != "vip" else None,
        "placement": {"constraints": [settings.placement]} if settings.placement else None,
        "resources": resources(part),
        "restart_policy": _restart(settings.restart),
        # One service must not go back by itself: what moves, forward and back, is the whole stack.
        "update_config": {"parallelism": 1, "order": order, "failure_action": "pause", "monitor": "15s"},
    }
    return {key: value for key, value in deploy.items() if value not in (None, {})}


def _restart(asked: str) -> Mapping[str, Value]:
    """Return Swarm's word for Compose's."""
    word, _, times = asked.partition(":")
    if word in {"no", "on-failure"}:
        policy: dict[str, Value] = {"condition": "none" if word == "no" else word, "delay": "2s"}
        return {**policy, "max_attempts": int(times)} if times else policy
    return RESTART


def _shared(layout: Layout) -> dict[str | Comment, Value]:
    labels = layout.project_labels
    volumes = layout.volumes()
    # A config cannot change while it is in use: another text is another config, named for its content.
    configs: dict[str, Value] = {
        file.name: {
            "file": f"./{file.file}",
            "name": f"{layout.stack_name}_{short_hash(file.name + file.text, 16)}",
            "labels": labels,
        }
        for part in layout.parts
        for file in part.files
    }
    options: dict[str, Value] = {"driver_opts": {"encrypted": "true"}} if layout.options.encrypted else {}
    shared: dict[str | Comment, Value] = {
        Comment(): None,
        "networks": {name: {"driver": "overlay", **options, "labels": labels} for name in layout.all_networks},
    }
    if volumes:
        shared |= {Comment(): None, "volumes": volumes}
    if configs:
        shared |= {Comment(): None, "configs": configs}
    return shared
