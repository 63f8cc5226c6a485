"""What Docker itself says: the only witness these tests believe."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def counted_starts(project: str) -> Iterator[Callable[[], Counter[str]]]:
    """Listen to Docker while the block runs: how often each service's containers were started.

    The engine remembers only its last 256 events and health checks fill them within a minute, so looking back is not
    enough.
    """
    filters = ["--filter", "event=start", "--filter", f"label=axion.project={project}"]
    with subprocess.Popen(
        ["docker", "events", *filters, "--format", "{{json .}}"], stdout=subprocess.PIPE, text=True
    ) as listener:
        lines: list[str] = []
        assert listener.stdout is not None
        reader = threading.Thread(target=lines.extend, args=(listener.stdout,), daemon=True)
        reader.start()

        def count() -> Counter[str]:
            # What Docker has told by now may still be on its way to us.
            time.sleep(0.5)
            return Counter(json.loads(line)["Actor"]["Attributes"]["axion.service"] for line in lines)

        try:
            yield count
        finally:
            listener.terminate()
            reader.join(timeout=5)
