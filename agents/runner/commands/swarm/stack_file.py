"""The file that `docker stack deploy` is given for a release: digests, owners, numbers and places filled in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.runner.commands.swarm.swarm_model import LABEL_AGAIN, LABEL_NUMBER, StackTarget
from agents.runner.errors import StepFailedError
from agents.runner.planning.codec import COMPOSE_FILE
from agents.runner.planning.model import (
    LABEL_DEPLOYMENT,
    LABEL_HASH,
    LABEL_LANE,
    LABEL_NODE,
    LABEL_PROJECT,
    LABEL_SERVICE,
    Release,
    WantedService,
)
from agents.runner.planning.stackfile import read_stack

# Ours moves the whole stack: one service by itself must neither go back nor be taken for done.
ON_FAILURE = "pause"


def stack_document(*, release: Release, target: StackTarget, number: int, again: int = 0) -> dict[str, Any]:
    """Return the file's content. `again`: how often this command has handed it over before.

    Labels of the tasks name the deployment by whose file they run, so that what has not changed keeps them; labels of
    the services, which no task is replaced for, name this command.
    """
    document = read_stack(release.files[COMPOSE_FILE])
    ours = {LABEL_DEPLOYMENT: release.deployment_id, LABEL_NUMBER: str(number)}
    if again:
        ours[LABEL_AGAIN] = str(again)
    services = {
        service.name: _service(document["services"][service.name], service, release, target, ours)
        for service in release.services
    }
    # What Compose alone knows at the top of a file.
    return {**{key: value for key, value in document.items() if key != "name"}, "services": services}


def _service(
    definition: Mapping[str, Any],
    service: WantedService,
    release: Release,
    target: StackTarget,
    ours: Mapping[str, str],
) -> dict[str, Any]:
    labels = {
        **(definition.get("labels") or {}),
        LABEL_PROJECT: release.project_id,
        LABEL_NODE: service.node_id,
        LABEL_SERVICE: service.name,
        LABEL_HASH: service.content_hash,
        LABEL_LANE: release.lane,
    }
    deploy = dict(definition.get("deploy") or {})
    update = {**(deploy.get("update_config") or {}), "failure_action": ON_FAILURE}
    deploy |= {
        "labels": {**labels, **ours},
        "replicas": service.replicas,
        "update_config": update,
    }
    if constraints := _constraints(service.name, definition, target):
        placement = dict(deploy.get("placement") or {})
        deploy["placement"] = {**placement, "constraints": [*(placement.get("constraints") or []), *constraints]}
    return {
        **{key: value for key, value in definition.items() if key != "build"},
        "image": target.images[service.name],
        "labels": {**labels, LABEL_DEPLOYMENT: target.owners[service.name]},
        "deploy": deploy,
    }


def _constraints(name: str, definition: Mapping[str, Any], target: StackTarget) -> list[str]:
    nodes = {target.places[volume] for volume in volumes_of(definition) if volume in target.places}
    if len(nodes) > 1:
        message = f"The volumes of {name} are on different nodes: {', '.join(sorted(nodes))}. It can run on neither."
        raise StepFailedError("invalid", message, service=name)
    return [f"node.id == {node}" for node in nodes]


def volumes_of(definition: Mapping[str, Any]) -> list[str]:
    """Return the named volumes that a service of the file mounts, by the file's own words for them."""
    found = []
    for mount in definition.get("volumes") or ():
        if isinstance(mount, dict):
            source = mount.get("source") if mount.get("type") == "volume" else None
        else:
            source = mount.split(":", 1)[0] if ":" in mount else None
        if source and not source.startswith((".", "/")):
            found.append(source)
    return found


def volume_services(release: Release) -> dict[str, list[str]]:
    """Return by service the volumes that it mounts; services without any are left out."""
    services = read_stack(release.files[COMPOSE_FILE])["services"] if release.services else {}
    return {name: volumes for name, each in services.items() if (volumes := volumes_of(each))}
