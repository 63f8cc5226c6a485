"""The file laid over a release's docker-compose.yml. Pure; JSON, which every YAML reader takes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from agents.runner.planning.model import (
    LABEL_DEPLOYMENT,
    LABEL_HASH,
    LABEL_JOB,
    LABEL_LANE,
    LABEL_NODE,
    LABEL_PROJECT,
    LABEL_SERVICE,
    Release,
)

FILE_NAME = "axion.override.json"
# Between two health checks of a container that has not been healthy yet, within its start period.
START_INTERVAL = "200ms"


def overlay(
    *,
    release: Release,
    pinned: Mapping[str, str],
    volumes: Mapping[str, Mapping[str, str]],
    checked_early: Collection[str] = (),
) -> str:
    """Return the labels of every service; `pinned` names image ids for services whose tag no longer means them.

    `volumes`: per service, paths where its image keeps data and the volumes to use there. They are there already: a
    volume that Compose made itself would be Compose's to judge. `checked_early`: services that Docker is to look at
    every START_INTERVAL until they are healthy, instead of every interval.

    The deployment's label makes Compose replace a container that is of another deployment, so only services that
    change may be brought up with it.
    """
    services = {}
    named: dict[str, object] = {}
    jobs = {job.name for job in release.jobs}
    for service in release.in_file:
        labels = {
            LABEL_PROJECT: release.project_id,
            LABEL_NODE: service.node_id,
            LABEL_SERVICE: service.name,
            LABEL_HASH: service.content_hash,
            LABEL_DEPLOYMENT: release.deployment_id,
            LABEL_LANE: release.lane,
        }
        entry: dict[str, object] = {"labels": {**labels, LABEL_JOB: "true"} if service.name in jobs else labels}
        if service.name in pinned:
            entry["image"] = pinned[service.name]
        if service.name in checked_early:
            entry["healthcheck"] = {"start_interval": START_INTERVAL}
        if mine := volumes.get(service.name):
            entry["volumes"] = [{"type": "volume", "source": name, "target": path} for path, name in mine.items()]
            named.update({name: {"external": True, "name": name} for name in mine.values()})
        services[service.name] = entry
    whole = {"services": services, "volumes": named} if named else {"services": services}
    return json.dumps(whole, indent=1, sort_keys=True)


def services_to_check_early(stack: Mapping[str, Any]) -> frozenset[str]:
    """Return the services of a compose file with a health check and a start period that name no start interval."""
    checks = {name: service.get("healthcheck") for name, service in (stack.get("services") or {}).items()}
    return frozenset(
        name
        for name, check in checks.items()
        if isinstance(check, dict)
        and check.get("test")
        and check.get("start_period")
        and not check.get("disable")
        and "start_interval" not in check
    )
