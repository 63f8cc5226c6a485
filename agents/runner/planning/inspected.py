"""What `docker inspect` says of a container, as the runner's own value. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.runner.planning.model import (
    COMPOSE_NUMBER,
    COMPOSE_SERVICE,
    LABEL_DEPLOYMENT,
    LABEL_HASH,
    LABEL_JOB,
    LABEL_LANE,
    LABEL_NODE,
    LABEL_RUN,
    Container,
)

# What Docker takes where neither the image nor the check says.
DEFAULT_SHELL = ("/bin/sh", "-c")
DEFAULT_TIMEOUT = 30.0
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """How Docker asks a container whether it is well; it waits `timeout` seconds for the answer."""

    argv: tuple[str, ...]
    timeout: float


def health_check_of(found: Mapping[str, Any]) -> HealthCheck | None:
    """Return the check to run in place of Docker's own; None without one, and where Docker looks sooner itself."""
    config = found["Config"]
    check = config.get("Healthcheck") or {}
    kind, *words = check.get("Test") or ["NONE"]
    if kind == "CMD-SHELL":
        words = [*(config.get("Shell") or DEFAULT_SHELL), *words]
    if kind not in {"CMD", "CMD-SHELL"} or not words or check.get("StartInterval"):
        return None
    return HealthCheck(argv=tuple(words), timeout=(check.get("Timeout") or 0) / NANOSECONDS or DEFAULT_TIMEOUT)


def container_of(found: Mapping[str, Any]) -> Container:
    """Return the container that Docker describes so."""
    state, labels = found["State"], found["Config"]["Labels"] or {}
    return Container(
        id=found["Id"],
        service=labels.get(COMPOSE_SERVICE, ""),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", "none"),
        image_id=found["Image"],
        exit_code=state["ExitCode"],
        restarts=found["RestartCount"],
        started_at=_epoch(state["StartedAt"]),
        content_hash=labels.get(LABEL_HASH, ""),
        deployment_id=labels.get(LABEL_DEPLOYMENT, ""),
        name=found["Name"].lstrip("/"),
        number=int(labels.get(COMPOSE_NUMBER, 0)),
        exclusive=_is_exclusive(found),
        node_id=labels.get(LABEL_NODE, ""),
        volumes=_volumes_of(found),
        oom_killed=bool(state.get("OOMKilled")),
        memory_limit=int(found["HostConfig"].get("Memory") or 0),
        lane=labels.get(LABEL_LANE, ""),
        is_job=LABEL_JOB in labels,
        run_id=labels.get(LABEL_RUN, ""),
    )


def _is_exclusive(found: Mapping[str, Any]) -> bool:
    """Tell whether the container holds ports of the host or any volume; folders of the host may be shared."""
    return bool(found["HostConfig"].get("PortBindings")) or bool(_volumes_of(found))


def _volumes_of(found: Mapping[str, Any]) -> dict[str, str]:
    """Return those of its image among them, which have no name of their own."""
    return {each["Destination"]: each["Name"] for each in found.get("Mounts") or () if each["Type"] == "volume"}


def _epoch(text: str) -> float:
    """Read Docker's time, nanoseconds and all; return 0 for its year 1."""
    if text.startswith("0001"):
        return 0.0
    return datetime.fromisoformat(f"{text[:19]}+00:00").timestamp()


def reference_of(image: str, *, known: Iterable[str], image_id: str) -> str:
    """Return NAME@DIGEST for an image whose registry told its digest under this name, else its id."""
    name = image.partition("@")[0]
    repository = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
    digests = (each.partition("@")[2] for each in known if _familiar(each.partition("@")[0]) == _familiar(repository))
    digest = next(digests, "")
    return f"{name}@{digest}" if digest else image_id


def _familiar(repository: str) -> str:
    """Return a repository as Docker lists it: that of Docker Hub goes without saying."""
    return repository.removeprefix("docker.io/").removeprefix("library/")
