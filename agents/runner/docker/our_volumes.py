"""The volumes with our labels on this host, and who has them: for whoever watches them, and for deleting one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from docker.errors import DockerException
from requests import RequestException

from agents.contracts import runner_pb2 as pb
from agents.limits import MAX_HOST_VOLUMES, MAX_NAME_BYTES, MAX_VOLUME_USERS, MAX_WORD_BYTES
from agents.reports.report_bounds import cut
from agents.runner.docker.engine import QUESTION_SECONDS, Engine
from agents.runner.docker.events import Watch
from agents.runner.errors import EngineAwayError
from agents.runner.planning.docker_times import epoch_ms
from agents.runner.planning.model import LABEL_PROJECT

EVENTS = ["create", "destroy"]
# Docker counts the bytes of all volumes by walking through them: who waits longer learns no size.
SIZES_SECONDS = 5.0
UNKNOWN_SIZE = -1


class OurVolumes:
    """Reads only. Waits for nobody: every question ends within seconds, or raises EngineAwayError."""

    def __init__(self, *, engine: Engine) -> None:
        self._engine = engine

    def watch(self, *, wake: Callable[[], None]) -> Watch:
        """Call `wake` whenever a volume or a container of the host comes or goes, until closed."""
        filters = {"type": ["volume", "container"], "event": EVENTS}
        return Watch(engine=self._engine, filters=filters, wake=wake)

    def list(self, *, sizes: Mapping[str, int]) -> tuple[pb.VolumeSeen, ...]:
        """Return ours by name, MAX_HOST_VOLUMES at most. `sizes`: bytes by name, as far as they are known."""
        volumes = self._engine.attempt(
            lambda api: api.volumes(filters={"label": LABEL_PROJECT}), seconds=QUESTION_SECONDS
        )
        containers = self._engine.attempt(lambda api: api.containers(all=True), seconds=QUESTION_SECONDS)
        users = users_by_volume(containers)
        found = sorted(volumes["Volumes"] or (), key=lambda each: str(each["Name"]))[:MAX_HOST_VOLUMES]
        return tuple(
            pb.VolumeSeen(
                name=cut(each["Name"], MAX_NAME_BYTES),
                project_id=cut((each.get("Labels") or {}).get(LABEL_PROJECT, ""), MAX_WORD_BYTES),
                created_at_ms=_created(each.get("CreatedAt") or ""),
                size_bytes=sizes.get(each["Name"], UNKNOWN_SIZE),
                used_by=users.get(each["Name"], ())[:MAX_VOLUME_USERS],
            )
            for each in found
        )

    def sizes(self) -> dict[str, int] | None:
        """Return bytes by name as Docker counts them now; None where it does not tell in time.

        Asked over a line of its own: that this takes long says nothing about the engine.
        """
        try:
            with contextlib.closing(self._engine.short(seconds=SIZES_SECONDS)) as api:
                found = api.df()
        except (DockerException, RequestException, EngineAwayError):
            return None
        counted = {each["Name"]: (each.get("UsageData") or {}).get("Size", -1) for each in found.get("Volumes") or ()}
        return {name: int(size) for name, size in counted.items() if size >= 0}


def users_by_volume(containers: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return by volume the names of the containers that have it, of a list as Docker gives it."""
    users: dict[str, list[str]] = {}
    for container in containers:
        name = cut(next(iter(container.get("Names") or ()), container["Id"][:12]).lstrip("/"), MAX_NAME_BYTES)
        for mount in container.get("Mounts") or ():
            if mount.get("Type") == "volume" and mount.get("Name"):
                users.setdefault(mount["Name"], []).append(name)
    return {volume: sorted(names) for volume, names in users.items()}


def _created(text: str) -> int:
    try:
        return epoch_ms(text) if text else 0
    except ValueError:
        return 0
