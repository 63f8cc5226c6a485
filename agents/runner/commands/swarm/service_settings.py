"""How a service of a Swarm is set up, by aspect: as hashes that can be compared, and in words. Pure but for the key."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from docker.errors import APIError

from agents.limits import MAX_ERROR_BYTES
from agents.reports.report_bounds import cut
from agents.runner.commands.swarm.swarm_model import LABEL_RECORD
from agents.runner.planning.container_settings import hashed_aspects

# A secret that only managers can read, so that all of them make the same hashes and nobody else can try values.
KEY_NAME = "axion-observation-key"
KEY_BYTES = 32
CONFLICT = 409
OWN_LABELS = ("com.docker.", "axion.")


def observation_key(api: Any) -> bytes:
    """Return the key that is kept in the Swarm; it is made at first. Raises APIError."""
    if found := _kept_key(api):
        return found
    try:
        api.create_config(name=KEY_NAME, labels={LABEL_RECORD: "key"}, data=secrets.token_bytes(KEY_BYTES))
    except APIError as error:
        if error.status_code != CONFLICT:
            raise
    return _kept_key(api)


def _kept_key(api: Any) -> bytes:
    listed = api.configs(filters={"name": KEY_NAME})
    data = next((each["Spec"]["Data"] for each in listed if each["Spec"]["Name"] == KEY_NAME), "")
    return base64.b64decode(data)


def hashed_settings(service: Mapping[str, Any], *, key: bytes) -> dict[str, str]:
    """Return a hash under `key` for each aspect of the service, and which key it is: no value can be told from it."""
    return hashed_aspects(_aspects(service["Spec"]), key=key)


def shown_settings(service: Mapping[str, Any]) -> dict[str, str]:
    """Return in words what holds no secret. Commands, labels and the environment may, so they are left out."""
    aspects = _aspects(service["Spec"])
    words = {
        "ports": ", ".join(
            f"{published}->{inside}/{kind} ({mode})" for inside, published, kind, mode in aspects["ports"]
        ),
        "mounts": ", ".join(
            f"{source or kind} at {path}{' (read-only)' if read_only else ''}"
            for kind, source, path, read_only in aspects["mounts"]
        ),
        "placement": ", ".join(aspects["placement"]),
    }
    return {aspect: cut(text or "none", MAX_ERROR_BYTES) for aspect, text in words.items()}


def _aspects(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the tasks of the service are set up, by aspect, in an order of its own."""
    template = spec["TaskTemplate"]
    container = template.get("ContainerSpec") or {}
    labels = container.get("Labels") or {}
    return {
        "env": sorted(container.get("Env") or ()),
        "command": [container.get(name) for name in ("Command", "Args", "User", "Dir")],
        "mounts": sorted(_mounts(container)),
        "networks": sorted(each.get("Target", "") for each in template.get("Networks") or ()),
        "ports": sorted(
            [
                each.get("TargetPort", 0),
                each.get("PublishedPort", 0),
                each.get("Protocol", ""),
                each.get("PublishMode", ""),
            ]
            for each in (spec.get("EndpointSpec") or {}).get("Ports") or ()
        ),
        "limits": template.get("Resources") or {},
        "restart": template.get("RestartPolicy") or {},
        "placement": sorted((template.get("Placement") or {}).get("Constraints") or ()),
        "labels": sorted([name, value] for name, value in labels.items() if not name.startswith(OWN_LABELS)),
    }


def _mounts(container: Mapping[str, Any]) -> Iterable[list[Any]]:
    for mount in container.get("Mounts") or ():
        yield [mount.get("Type", ""), mount.get("Source", ""), mount.get("Target", ""), bool(mount.get("ReadOnly"))]
    for config in container.get("Configs") or ():
        yield ["config", config.get("ConfigName", ""), (config.get("File") or {}).get("Name", ""), True]
