"""Argument lists for Docker's command line. Pure."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from agents.runner.planning import overlay, stackfile

# BuildKit's own name for it; no Dockerfile sees it unless it asks for just this.
CACHE_SPACE = "BUILDKIT_CACHE_MOUNT_NS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One image to build; paths on this host. `cache_space` goes before the ids of its cache mounts.

    `secrets`: an id, and the variable of the build's own environment that holds the value.
    """

    context: Path
    dockerfile: Path
    tag: str
    labels: Mapping[str, str]
    cache_space: str
    ca_bundle: Path | None = None
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """What to bring up: `copies` of each service, old ones counted. `alone`: without what the services depend on.

    `beside`: containers that are there stay as they are, whatever the file says by now. Without `started` containers
    are made and not started.
    """

    stack: str
    folder: Path
    copies: Mapping[str, int]
    alone: bool
    beside: bool
    started: bool = True


def up(order: Up) -> list[str]:
    """Bring up without building or pulling: images are there by then, and none may change under our hands."""
    folder = order.folder
    argv = [
        *("docker", "compose", "--ansi", "never", "--progress", "plain"),
        *("--project-name", order.stack, "--project-directory", str(folder)),
        # Nothing but our own environment may fill the file's variables.
        *("--env-file", "/dev/null"),
        *("--file", str(folder / stackfile.FILE_NAME), "--file", str(folder / overlay.FILE_NAME)),
        *("up", "--detach" if order.started else "--no-start", "--no-build", "--quiet-pull", "--pull", "never"),
    ]
    if order.beside:
        argv.append("--no-recreate")
    for name, count in order.copies.items():
        argv += ["--scale", f"{name}={count}"]
    return [*argv, "--no-deps", *order.copies] if order.alone else argv


def stack_deploy(*, stack: str, folder: Path) -> list[str]:
    """Hand a stack to the Swarm. Nobody resolves an image: each is named by its digest already."""
    file = str(folder / stackfile.FILE_NAME)
    argv = ["docker", "stack", "deploy", "--prune", "--resolve-image", "never", "--with-registry-auth"]
    return [*argv, "--compose-file", _field(file), stack]


def _field(text: str) -> str:
    """Return a text as one field of an option that Docker reads as a line of CSV: a comma in a path would part it."""
    line = StringIO()
    csv.writer(line, lineterminator="").writerow([text])
    return line.getvalue()


def task_log(*, task_id: str, lines: int) -> list[str]:
    return ["docker", "service", "logs", "--raw", "--tail", str(lines), task_id]


def compose_version() -> list[str]:
    return ["docker", "compose", "version", "--short"]


def follow(container_id: str) -> list[str]:
    """Print what a container writes, from its start until it ends."""
    return ["docker", "logs", "--follow", container_id]


def build(order: Build) -> list[str]:
    """Build for the local engine. Attestations are left out: they give the same content another id each time."""
    argv = ["docker", "buildx", "build", "--load", "--progress", "plain", "--provenance=false"]
    argv += ["--file", str(order.dockerfile), "--tag", order.tag]
    argv += ["--build-arg", f"{CACHE_SPACE}={order.cache_space}"]
    for name, value in sorted(order.labels.items()):
        argv += ["--label", f"{name}={value}"]
    if order.ca_bundle is not None:
        for name in ("ca", "ca_bundle"):
            argv += ["--secret", f"id={name},{_field(f'src={order.ca_bundle}')}"]
    if order.target:
        argv += ["--target", order.target]
    for name, value in sorted(order.args.items()):
        argv += ["--build-arg", f"{name}={value}"]
    for name, variable in sorted(order.secrets.items()):
        argv += ["--secret", f"id={name},env={variable}"]
    return [*argv, str(order.context)]


def pull(image: str) -> list[str]:
    return ["docker", "pull", "--quiet", image]
