"""A Docker engine with the base images, by the scripts that also provision servers."""

from __future__ import annotations

import subprocess

from tests.servers.errors import Unavailable
from tests.servers.places import DOCKER_FOLDER, PROVISION

ENGINE_SECONDS = 900
IMAGES_SECONDS = 1200
STOP_SECONDS = 60


def ensure_docker() -> None:
    """Raises Unavailable with the script's own sentence."""
    _script("engine.sh", "start", str(DOCKER_FOLDER), seconds=ENGINE_SECONDS)
    _script("images.sh", seconds=IMAGES_SECONDS)


def stop_docker() -> None:
    """Stops the engine if `ensure_docker` of this clone started it."""
    if DOCKER_FOLDER.exists():
        _script("engine.sh", "stop", str(DOCKER_FOLDER), seconds=STOP_SECONDS)


def _script(name: str, *arguments: str, seconds: float) -> None:
    try:
        done = subprocess.run(
            ["bash", str(PROVISION / name), *arguments], stdin=subprocess.DEVNULL, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{name} did not end within {seconds:g} s.") from error
    if done.returncode != 0:
        raise Unavailable(f"Docker is not ready: {name} ended with code {done.returncode}, see above.")
