"""What tests ask of the Docker engine and its client: check files, make images available, build."""

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
CA_VARIABLES = ("PIP_CERT", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")
SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"
MAX_BUILD_SECONDS = 300
MAX_BUILDS = 3
# On a machine that has none of them yet.
MAX_IMAGES_SECONDS = 900


def run(*command: str, folder: Path, env: Mapping[str, str] | None = None, seconds: float = 60) -> str:
    """Return standard output; fail the test with both outputs when the command fails."""
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def write_files(stack: Stack, folder: Path) -> Path:
    """Write the files of a stack as the product does, and `.env` as `.env.example` says."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in stack.files.items():
        (folder / name).write_text(text)
    shutil.copy(folder / ".env.example", folder / ".env")
    return folder


def check_files(stack: Stack, folder: Path) -> None:
    """Fail the test when Compose or Swarm does not accept the file."""
    write_files(stack, folder)
    if stack.engine == "compose":
        run("docker", "compose", "--file", COMPOSE_FILE, "config", "--quiet", folder=folder)
    else:
        run("docker", "stack", "config", "--compose-file", COMPOSE_FILE, folder=folder, env=placeholder_values(stack))


def placeholder_values(stack: Stack, value: str = "change-me") -> dict[str, str]:
    return {variable.name: value for variable in stack.variables}


def build_images(stack: Stack, folder: Path, code: Mapping[str, Path]) -> None:
    """Build each service from its code the way the runner does, MAX_BUILDS at a time."""
    ca = next((os.environ[name] for name in CA_VARIABLES if Path(os.environ.get(name, "/-")).is_file()), SYSTEM_CA)

    def build_one(service: StackService) -> None:
        dockerfile = folder / service.dockerfile if service.dockerfile else code[service.name] / "Dockerfile"
        run(
            "docker", "buildx", "build", "--quiet", "--load", "--secret", f"id=ca_bundle,src={ca}",
            "--label", "axion.project=project-1", "--file", str(dockerfile), "--tag", service.image,
            str(code[service.name]), folder=folder, seconds=MAX_BUILD_SECONDS,
        )  # fmt: skip

    with ThreadPoolExecutor(MAX_BUILDS) as pool:
        list(pool.map(build_one, [service for service in stack.services if service.bundle_digest]))


def ensure_images(*images: str) -> None:
    """Pull each image, or build its stand-in, as the product does. Fail the test when neither is possible."""
    # One process at a time, or two build the same image.
    with (Path(tempfile.gettempdir()) / "axion-test-images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run("bash", str(PROVISION / "images.sh"), *images, folder=PROVISION, seconds=MAX_IMAGES_SECONDS)
