"""What Docker itself says: the only witness these tests believe."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from datetime import datetime
from typing import Any


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, timeout=60).stdout


def containers(project: str) -> dict[str, dict[str, Any]]:
    """Container details by service, stopped ones too."""
    ids = docker("ps", "-aq", "--filter", f"label=axion.project={project}").split()
    found = json.loads(docker("inspect", *ids)) if ids else []
    return {each["Config"]["Labels"]["axion.service"]: each for each in found}


def leftovers(project: str) -> dict[str, list[str]]:
    """Containers, networks and volumes of the project."""
    label = f"label=axion.project={project}"
    return {
        "containers": docker("ps", "-aq", "--filter", label).split(),
        "networks": docker("network", "ls", "-q", "--filter", label).split(),
        "volumes": docker("volume", "ls", "-q", "--filter", label).split(),
    }


def starts_since(moment: datetime, *, project: str) -> Counter[str]:
    """How often each service's containers were started, by Docker's events."""
    lines = docker(
        "events",
        "--since",
        str(moment.timestamp()),
        "--until",
        str(datetime.now().timestamp()),  # noqa: DTZ005 - seconds since the epoch either way
        "--filter",
        "event=start",
        "--filter",
        f"label=axion.project={project}",
        "--format",
        "{{json .}}",
    ).splitlines()
    return Counter(json.loads(line)["Actor"]["Attributes"]["axion.service"] for line in lines)
