"""The document that Docker Compose reads."""

from __future__ import annotations

from stackgen.keys.jobs import APART_FROM_DEPLOYMENTS
from stackgen.nodes import APART, PublishedPort
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
    secret_of,
)
from stackgen.output.layout import SECURITY, Identity, Layout, identify
from stackgen.parts.environment import plain
from stackgen.parts.health import healthcheck
from stackgen.parts.types import Part
from stackgen.yaml import Comment, Flow, Value

# Of jobs that a plain `up` must not start.
PROFILE = "jobs"


def compose_document(layout: Layout) -> tuple[dict[str | Comment, Value], dict[str, Identity]]:
    """Return the whole file, and what identifies each service, by its name."""
    services: dict[str | Comment, Value] = {}
    identities: dict[str, Identity] = {}
    for sentence, parts in layout.by_level():
        services[Comment()] = None
        services[Comment(sentence)] = None
        for index, part in enumerate(parts):
            if index:
                services[Comment()] = None
            definition = _service(part, layout)
            identity = identities[part.name] = identify(part, definition)
            services[part.name] = {**definition, "labels": layout.labels(part, identity.content_hash)}
    document: dict[str | Comment, Value] = {
        Comment(f"Stack {layout.stack_name}, generated from its drawing: change the drawing, not this file."): None,
        Comment("What stands in ${...} is supplied when the stack starts; .env.example lists it."): None,
        "name": layout.stack_name,
        Comment(): None,
        "services": services,
        **_shared(layout),
    }
    return document, identities


def _service(part: Part, layout: Layout) -> dict[str, Value]:
    from_code = bool(part.bundle_digest)
    definition: dict[str, Value] = {
        "image": part.image,
        "build": _build(part) if from_code else None,
        "init": init_of(part),
        "hostname": hostname_of(part),
        "entrypoint": words_of(part.entrypoint),
        "command": words_of(part.command),
        **container_of(part),
        **_of_compose_alone(part),
        "environment": dict(part.environment),
        "volumes": mounts(part),
        "configs": [config_of(file) for file in part.files],
        "secrets": [secret_of(file) for file in part.secret_files],
        "ports": [_port(port) for port in part.ports],
        "networks": networks_of(part, layout.networks[part.name]),
        "depends_on": _depends_on(part, layout),
        "healthcheck": {} if part.is_job else health_of(part, layout),
        "profiles": [PROFILE] if part.node.settings.run in APART_FROM_DEPLOYMENTS else None,
        "restart": "no" if part.is_job else part.node.settings.restart or "unless-stopped",
        "security_opt": [*SECURITY, *part.node.settings.security_opt],
        "cap_drop": dropped(part),
        "stop_grace_period": f"{part.stop_grace_seconds}s",
        "deploy": _deploy(part),
        "logging": logging_of(part),
    }
    return {key: value for key, value in definition.items() if value not in (None, {}, [], ())}


def _of_compose_alone(part: Part) -> dict[str, Value]:
    """Return what Swarm does not have."""
    settings = part.node.settings
    given: dict[str, Value] = {
        "shm_size": settings.shm_size,
        "platform": settings.platform,
        "network_mode": settings.network if settings.network in APART else "",
        "privileged": settings.privileged,
        "pid": settings.pid,
        "ipc": settings.ipc,
        "devices": list(settings.devices),
    }
    return {key: value for key, value in given.items() if value}


def words_of(command: tuple[str, ...]) -> Value:
    """Return a command on one line, unless a script in it has lines of its own."""
    return list(command) if any("\n" in word for word in command) else Flow(command)


def _port(port: PublishedPort) -> str:
    address = f"[{port.address}]:" if ":" in port.address else f"{port.address}:" if port.address else ""
    outside = "" if port.outside is None and not address else f"{port.outside or ''}:"
    return f"{address}{outside}{port.inside}{'' if port.protocol == 'tcp' else f'/{port.protocol}'}"


def _build(part: Part) -> dict[str, Value]:
    """Return `build` for people who build by hand, with the code of each service in a folder beside the file."""
    order = part.build
    folder = plain(f"/{order.folder}") if order.folder else ""
    up = "../" * (2 + folder.count("/"))
    build: dict[str, Value] = {
        "context": f"./code/{part.name}{folder}",
        "dockerfile": f"{up}{dockerfile_name(part)}" if part.dockerfile else plain(order.dockerfile),
        "target": order.target,
        "args": {name: plain(text) for name, text in order.args.items()},
        "secrets": [{"source": build_secret_name(part, name), "target": name} for name in order.secrets],
    }
    return {key: value for key, value in build.items() if value}


def build_secret_name(part: Part, name: str) -> str:
    """Return what the file calls a secret that a build reads. No two meet: names of services hold no two dashes."""
    return f"{part.name}--{name}"


def dockerfile_name(part: Part) -> str:
    """Return the name of a service's Dockerfile among the files of the stack."""
    return f"Dockerfile.{part.name}"


def _depends_on(part: Part, layout: Layout) -> dict[str, Value]:
    return {name: {"condition": _condition(name, layout)} for name in layout.order.waits_for[part.name]}


def _condition(name: str, layout: Layout) -> str:
    if name in layout.jobs:
        return "service_completed_successfully"
    return "service_healthy" if name in layout.healthy else "service_started"


def health_of(part: Part, layout: Layout) -> dict[str, Value]:
    """Return the healthcheck of a part; of one that has none only what the graph changes of its image's own."""
    settings = part.node.settings
    if part.health_off:
        return {"disable": True}
    given: dict[str, Value] = {
        "interval": settings.health_interval,
        "timeout": settings.health_timeout,
        "retries": settings.health_retries,
        "start_period": settings.health_start_period,
    }
    given = {key: value for key, value in given.items() if value}
    if not part.health:
        return given
    usual = healthcheck(
        part.health,
        interval_seconds=part.health_interval_seconds or layout.options.health_interval_seconds,
        timeout_seconds=part.health_timeout_seconds,
        start_seconds=part.health_start_seconds,
    )
    return {**usual, **given}


def _deploy(part: Part) -> dict[str, Value]:
    copies = part.node.settings.replicas
    deploy: dict[str, Value] = {"replicas": copies} if copies > 1 else {}
    limits = resources(part)
    if gpus := part.node.settings.gpus:
        wanted: dict[str, Value] = {"driver": "nvidia", "count": gpus if gpus == "all" else int(gpus)}
        reserved = limits.get("reservations")
        reserved = dict(reserved) if isinstance(reserved, dict) else {}
        limits["reservations"] = {**reserved, "devices": [{**wanted, "capabilities": ["gpu"]}]}
    return {**deploy, "resources": limits}


def _shared(layout: Layout) -> dict[str | Comment, Value]:
    """Return networks, volumes and texts, each named for the project."""
    labels = layout.project_labels
    volumes = layout.volumes()
    configs: dict[str, Value] = {
        file.name: {"content": plain(file.text) if file.content is None else file.content}
        for part in layout.parts
        for file in part.files
    }
    secrets: dict[str, Value] = {
        name: {"environment": variable} for part in layout.parts for name, variable in named_secrets(part).items()
    }
    shared: dict[str | Comment, Value] = {
        Comment(): None,
        Comment("One network for each group of services that are joined with one another; no others can meet."): None,
        "networks": {name: {"labels": labels} for name in layout.all_networks},
    }
    if volumes:
        shared |= {Comment(): None, "volumes": volumes}
    if configs:
        shared |= {Comment(): None, "configs": configs}
    if secrets:
        shared |= {Comment(): None, "secrets": secrets}
    return shared


def named_secrets(part: Part) -> dict[str, str]:
    """Return what a part takes as a secret, at its build or as a file, and the variable that carries each."""
    of_build = {build_secret_name(part, name): variable for name, variable in part.build.secrets.items()}
    return {**{file.name: file.variable for file in part.secret_files}, **of_build}
