"""Containers of runs by a schedule: each a copy of one that the deployment made and never started.

The copy has what the deployment gave its pattern, values of variables too: a run needs nothing of the control plane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docker.errors import NotFound

from agents.limits import mebibytes
from agents.runner.docker.container_exec import log_tail
from agents.runner.docker.engine import PATIENT_SECONDS, QUESTION_SECONDS, Engine
from agents.runner.errors import StepFailedError
from agents.runner.planning.inspected import container_of
from agents.runner.planning.model import (
    COMPOSE_PROJECT,
    COMPOSE_SERVICE,
    CREATED,
    LABEL_DEPLOYMENT,
    LABEL_JOB,
    LABEL_PROJECT,
    LABEL_RUN,
    Container,
)

MAX_FILES_BYTES = 8 * 1024 * 1024
STOP_SECONDS = 10
# For Docker itself, beside the grace that the container has.
GRACE_BEYOND = 15.0


class RunContainers:
    """Waits for nobody: every call ends within its seconds, or raises EngineAwayError; APIError is Docker's refusal."""

    def __init__(self, *, engine: Engine) -> None:
        self._engine = engine

    def pattern(self, *, stack: str, project_id: str, deployment_id: str, job: str) -> Mapping[str, Any] | None:
        """Return the container that runs of the job are copies of; None where the deployment's is not there."""
        labels = [
            f"{COMPOSE_PROJECT}={stack}",
            f"{LABEL_PROJECT}={project_id}",
            f"{LABEL_DEPLOYMENT}={deployment_id}",
            f"{COMPOSE_SERVICE}={job}",
            LABEL_JOB,
        ]
        filters = {"label": labels, "status": CREATED}
        for each in self._ask(lambda api: api.containers(all=True, filters=filters)):
            if LABEL_RUN not in each["Labels"]:
                return self._inspect(each["Id"])
        return None

    def runs_by_hand(self, *, stack: str, project_id: str, job: str) -> bool:
        """Tell whether somebody runs the job just now, by a deployment of its own."""
        labels = [f"{COMPOSE_PROJECT}={stack}", f"{LABEL_PROJECT}={project_id}", f"{COMPOSE_SERVICE}={job}", LABEL_JOB]
        found = self._ask(lambda api: api.containers(filters={"label": labels}))
        return any(LABEL_RUN not in each["Labels"] for each in found)

    def make(self, *, pattern: Mapping[str, Any], run_id: str) -> str:
        """Make the container of a run, not started, and return its id; one that has run already by this id is that.

        Raises StepFailedError where what it needs cannot be put in; no container is left then.
        """
        if there := self._of_run(run_id):
            if not self._never_ran(there):
                return there
            # Whoever made it may have died before all of its files were in it.
            self.remove(there)
        made = self._make(pattern, run_id)
        try:
            for path in _put_in_by_compose(pattern, self._changes(pattern["Id"])):
                self._copy(path, source=pattern["Id"], target=made)
        except StepFailedError:
            self.remove(made)
            raise
        return made

    def _never_ran(self, container_id: str) -> bool:
        found = self._inspect(container_id)
        return found is not None and found["State"]["Status"] == CREATED

    def _make(self, pattern: Mapping[str, Any], run_id: str) -> str:
        wanted = dict(pattern["Config"])
        wanted["Labels"] = {**(wanted.get("Labels") or {}), LABEL_RUN: run_id}
        # Docker's own choice, else it would be that of the pattern.
        if wanted.get("Hostname") == pattern["Id"][:12]:
            wanted.pop("Hostname")
        networks = _networks(pattern)
        # Older engines take one at once.
        first = dict(list(networks.items())[:1])
        wanted |= {"HostConfig": pattern["HostConfig"], "NetworkingConfig": {"EndpointsConfig": first}}
        name = f"{pattern['Name'].lstrip('/')}-{run_id[:8]}"
        made = str(self._order(lambda api: api.create_container_from_config(wanted, name))["Id"])
        for network, endpoint in list(networks.items())[1:]:
            self._order(lambda api, network=network, endpoint=endpoint: _connect(api, made, network, endpoint))
        return made

    def start(self, container_id: str) -> None:
        self._order(lambda api: api.start(container_id))

    def find(self, container_id: str) -> Container | None:
        """Return the container as it is now; None when it is gone."""
        found = self._inspect(container_id) if container_id else None
        return container_of(found) if found is not None else None

    def end(self, container_id: str) -> None:
        """Stop it, with the grace it was made with, and return when it does not run any more; it stays to be read."""
        found = self._inspect(container_id)
        if found is None or found["State"]["Status"] == CREATED:
            return
        asked = found["Config"].get("StopTimeout")
        grace = STOP_SECONDS if asked is None else asked
        try:
            self._engine.attempt(lambda api: api.stop(container_id, timeout=grace), seconds=grace + GRACE_BEYOND)
        except NotFound:
            return

    def remove(self, container_id: str) -> None:
        """Remove it; its volumes stay, as those of all containers."""
        try:
            self._order(lambda api: api.remove_container(container_id, force=True, v=False))
        except NotFound:
            return

    def tail(self, container_id: str, *, lines: int) -> tuple[str, ...]:
        """Return its last lines, not masked."""
        found: tuple[str, ...] = self._ask(lambda api: log_tail(client=api, container_id=container_id, lines=lines))
        return found

    def _of_run(self, run_id: str) -> str:
        found = self._ask(lambda api: api.containers(all=True, filters={"label": f"{LABEL_RUN}={run_id}"}))
        return str(found[0]["Id"]) if found else ""

    def _inspect(self, container_id: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._ask(lambda api: api.inspect_container(container_id))
        except NotFound:
            return None
        return found

    def _changes(self, container_id: str) -> list[Mapping[str, Any]]:
        return list(self._ask(lambda api: api.diff(container_id)) or ())

    def _copy(self, path: str, *, source: str, target: str) -> None:
        pieces, _ = self._ask(lambda api: api.get_archive(source, path))
        archive, size = [], 0
        for piece in pieces:
            size += len(piece)
            if size > MAX_FILES_BYTES:
                message = f"{path} is larger than {mebibytes(MAX_FILES_BYTES)}, too large for a run by schedule."
                raise StepFailedError("invalid", message)
            archive.append(piece)
        folder = path.rpartition("/")[0] or "/"
        self._order(lambda api: api.put_archive(target, folder, b"".join(archive)))

    def _ask(self, call: Any) -> Any:
        return self._engine.attempt(call, seconds=QUESTION_SECONDS)

    def _order(self, call: Any) -> Any:
        return self._engine.attempt(call, seconds=PATIENT_SECONDS)


def _networks(pattern: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the copy is to join; Docker's own alias, the beginning of the pattern's id, is left out."""
    joined = pattern["NetworkSettings"].get("Networks") or {}
    return {
        name: {
            "Aliases": [alias for alias in each.get("Aliases") or () if not pattern["Id"].startswith(alias)],
            "IPAMConfig": each.get("IPAMConfig"),
            "Links": each.get("Links"),
        }
        for name, each in joined.items()
    }


def _connect(api: Any, container_id: str, network: str, endpoint: Mapping[str, Any]) -> None:
    api.connect_container_to_network(container_id, network, aliases=endpoint["Aliases"], links=endpoint["Links"])


def _put_in_by_compose(pattern: Mapping[str, Any], changes: list[Mapping[str, Any]]) -> list[str]:
    """Return the files that are in the pattern and not of its image: texts and secrets that Compose copied into it."""
    mounted = {each["Destination"] for each in pattern.get("Mounts") or ()}
    added = [each["Path"] for each in changes if each["Kind"] == 1 and each["Path"] not in mounted]
    # The files themselves, not the folders above that came with them.
    return [path for path in added if not any(other.startswith(f"{path}/") for other in added)]
