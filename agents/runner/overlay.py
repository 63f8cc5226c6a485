"""The file laid over a release's docker-compose.yml. Pure; JSON, which every YAML reader takes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from agents.runner.model import (
    LABEL_DEPLOYMENT,
    LABEL_HASH,
    LABEL_NODE,
    LABEL_PROJECT,
    LABEL_SERVICE,
    Release,
)

FILE_NAME = "axion.override.json"


def overlay(*, release: Release, pinned: Mapping[str, str]) -> str:
    """Labels for every service of the release; `pinned` names image ids for services whose tag no longer means them.

    The deployment's label makes Compose replace a container that is of another deployment, so only services that
    change may be brought up with it.
    """
    services = {}
    for service in release.services:
        entry: dict[str, object] = {
            "labels": {
                LABEL_PROJECT: release.project_id,
                LABEL_NODE: service.node_id,
                LABEL_SERVICE: service.name,
                LABEL_HASH: service.content_hash,
                LABEL_DEPLOYMENT: release.deployment_id,
            }
        }
        if service.name in pinned:
            entry["image"] = pinned[service.name]
        services[service.name] = entry
    return json.dumps({"services": services}, indent=1, sort_keys=True)
