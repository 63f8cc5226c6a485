"""Runs Docker's own judgement over files, and real containers for tests that are marked so."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stackgen.results import COMPOSE_FILE, Stack, StackService
from tests.servers.places import PROVISION

needs_engine = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("docker") is None, reason="no docker command"),
]
needs_compose = pytest.mark.skipif(shutil.which("docker") is None, reason="no docker command to judge the files")
PLACES_OF_CA = ("PIP_CERT", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")
SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"
BUILD_SECONDS = 300
BUILDS_AT_ONCE = 3
# On a machine that has none of them yet.
IMAGES_SECONDS = 900


def run(*command: str, folder: Path, env: Mapping[str, str] | None = None, seconds: float = 60) -> str:
    """Standard output; fails the test with what was said on the other."""
    whole = {**os.environ, **(env or {})}
    done = subprocess.run(command, cwd=folder, env=whole, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def write(stack: Stack, folder: Path) -> Path:
    """The files of a stack as the product writes them, with `.env` as `.env.example` says."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in stack.files.items():
        (folder / name).write_text(text)
    shutil.copy(folder / ".env.example", folder / ".env")
    return folder


def judge(stack: Stack, folder: Path) -> None:
    """Compose or Swarm accepts the file."""
    write(stack, folder)
    if stack.engine == "compose":
        run("docker", "compose", "--file", COMPOSE_FILE, "config", "--quiet", folder=folder)
    else:
        run("docker", "stack", "config", "--compose-file", COMPOSE_FILE, folder=folder, env=env_of(stack))


def env_of(stack: Stack, value: str = "change-me") -> dict[str, str]:
    return {variable.name: value for variable in stack.variables}


def build(stack: Stack, folder: Path, code: Mapping[str, Path]) -> None:
    """Builds each service from its code the way the runner does, a few at a time."""
    ca = next((os.environ[name] for name in PLACES_OF_CA if Path(os.environ.get(name, "/-")).is_file()), SYSTEM_CA)

    def build_one(service: StackService) -> None:
        dockerfile = folder / service.dockerfile if service.dockerfile else code[service.name] / "Dockerfile"
        run(
            "docker", "buildx", "build", "--quiet", "--load", "--secret", f"id=ca_bundle,src={ca}",
            "--label", "axion.project=project-1", "--file", str(dockerfile), "--tag", service.image,
            str(code[service.name]), folder=folder, seconds=BUILD_SECONDS,
        )  # fmt: skip

    with ThreadPoolExecutor(BUILDS_AT_ONCE) as pool:
        list(pool.map(build_one, [service for service in stack.services if service.bundle_digest]))


def provide(*images: str) -> None:
    """Base images as the product provides them: pulled, or stand-ins. One process at a time, or they build twice."""
    with (Path(tempfile.gettempdir()) / "axion-test-images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run("bash", str(PROVISION / "images.sh"), *images, folder=PROVISION, seconds=IMAGES_SECONDS)
