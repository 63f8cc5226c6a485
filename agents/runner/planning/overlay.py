"""The file laid over a release's docker-compose.yml. Pure; JSON, which every YAML reader takes."""

from __future__ import annotations

import json
from collections.abc import Mapping

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


def overlay(*, release: Release, pinned: Mapping[str, str], volumes: Mapping[str, Mapping[str, str]]) -> str:
    """Return the labels of every service; `pinned` names image ids for services whose tag no longer means them.

    `volumes`: per service, paths where its image keeps data and the volumes to use there. They are there already: a
    volume that Compose made itself would be Compose's to judge.

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
        if mine := volumes.get(service.name):
            entry["volumes"] = [{"type": "volume", "source": name, "target": path} for path, name in mine.items()]
            named.update({name: {"external": True, "name": name} for name in mine.values()})
        services[service.name] = entry
    whole = {"services": services, "volumes": named} if named else {"services": services}
    return json.dumps(whole, indent=1, sort_keys=True)
