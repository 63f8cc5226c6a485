"""The Docker engine of this host, read through its API. With cli.py the only place that runs Docker."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from docker.errors import APIError, NotFound

from agents.runner.docker import container_exec
from agents.runner.docker.engine import PATIENT_SECONDS, QUESTION_SECONDS, Engine, EngineState
from agents.runner.docker.events import Watch
from agents.runner.docker.foreign_containers import ForeignContainers
from agents.runner.docker.host_images import HostImages
from agents.runner.docker.host_volumes import HostVolumes
from agents.runner.docker.patience import NoPatience, Patience
from agents.runner.docker.versions import numbers_of
from agents.runner.errors import EngineAwayError, StepFailedError, UnavailableError
from agents.runner.interrupt import Interrupt
from agents.runner.planning.inspected import HealthCheck, container_of, health_check_of
from agents.runner.planning.model import (
    COMPOSE_PROJECT,
    LABEL_DEPLOYMENT,
    LABEL_PROJECT,
    Container,
    HostContainer,
)
from agents.runner.planning.ports import PortHolder

STOP_SECONDS, SHORT_SECONDS = 10, 10.0
# While somebody else removes a container.
GONE_SECONDS, GONE_LOOK_SECONDS = 60.0, 0.2
REMOVING, CONFLICT = "removing", 409
EVENTS = ["create", "start", "die", "stop", "destroy", "oom", "restart", "rename", "health_status"]
Result = TypeVar("Result")
ENGINE_ID_DIGITS = 32


class DockerHost(HostImages, HostVolumes, ForeignContainers):
    """Reads and removals. How long an engine that is away is waited for is the matter of `patience`."""

    def __init__(self, *, engine: Engine | None = None, patience: Patience | None = None) -> None:
        self._engine = engine or Engine()
        self._patience = patience or NoPatience()

    def waiting(self, patience: Patience) -> DockerHost:
        """Return this engine for somebody who waits by another patience."""
        return DockerHost(engine=self._engine, patience=patience)

    @property
    def state(self) -> EngineState | None:
        """Tell whether the engine answered when it was last asked; None before that."""
        return self._engine.state

    @property
    def outages(self) -> int:
        """Return how often the engine was seen to be away, or cut a line to us."""
        return self._engine.outages

    def was_away(self, *, since: int) -> bool:
        """Tell whether the engine was away since it had been away that often; waits until it answers.

        Asked over a new line: an engine that ends goes on serving the old ones while it ends its containers.
        """
        self._patiently(lambda _: self._engine.probe(lambda api: api.ping()))
        return self._engine.outages != since

    def containers(self, *, stack: str, project_id: str) -> tuple[Container, ...]:
        """Return our containers of the stack, stopped ones too, but for those of jobs."""
        return tuple(each for each in self._of_stack(stack, project_id) if not each.is_job)

    def job_containers(self, *, stack: str, project_id: str, by_schedule: bool = False) -> tuple[Container, ...]:
        """Return the containers of jobs, those that have ended too: runs by a schedule, or all others."""
        return tuple(
            each for each in self._of_stack(stack, project_id) if each.is_job and by_schedule == bool(each.run_id)
        )

    def _of_stack(self, stack: str, project_id: str) -> tuple[Container, ...]:
        labels = [f"{COMPOSE_PROJECT}={stack}", f"{LABEL_PROJECT}={project_id}"]
        listed = self._ask(lambda api: api.containers(all=True, filters={"label": labels}))
        described = (self._describe(each["Id"]) for each in listed)
        return tuple(sorted((each for each in described if each), key=lambda each: (each.service, each.id)))

    def settled_containers(self, *, stack: str, project_id: str) -> tuple[Container, ...]:
        """Return the containers once Docker is done with those that somebody has begun to remove."""
        give_up_at = time.monotonic() + GONE_SECONDS
        while True:
            found = self.containers(stack=stack, project_id=project_id)
            if all(each.state != REMOVING for each in found) or time.monotonic() >= give_up_at:
                return found
            self._patience.pause(GONE_LOOK_SECONDS)

    def _describe(self, container_id: str) -> Container | None:
        try:
            found: dict[str, Any] = self._ask(lambda api: api.inspect_container(container_id))
        except NotFound:
            return None
        return container_of(found)

    def all_containers(self) -> tuple[HostContainer, ...]:
        """Return every container of this host, stopped ones and other people's too."""
        return tuple(
            HostContainer(
                id=each["Id"],
                state=each["State"],
                image_id=each["ImageID"],
                stack=(each["Labels"] or {}).get(COMPOSE_PROJECT, ""),
                project_id=(each["Labels"] or {}).get(LABEL_PROJECT, ""),
                deployment_id=(each["Labels"] or {}).get(LABEL_DEPLOYMENT, ""),
            )
            for each in self._ask(lambda api: api.containers(all=True))
        )

    def holders_of(self, *, port: int) -> tuple[PortHolder, ...]:
        """Return the running containers, anybody's, that have this port of the host."""
        listed = self._ask(lambda api: api.containers())
        return tuple(
            PortHolder(name=each["Names"][0].lstrip("/"), project_id=(each["Labels"] or {}).get(LABEL_PROJECT, ""))
            for each in listed
            if any(binding.get("PublicPort") == port for binding in each.get("Ports") or ())
        )

    def log_tail(self, *, container_id: str, lines: int) -> tuple[str, ...]:
        """Return the container's last lines, not masked; empty when they cannot be had within seconds."""
        with contextlib.suppress(EngineAwayError), self._short(SHORT_SECONDS) as api:
            return container_exec.log_tail(client=api, container_id=container_id, lines=lines)
        return ()

    def write_file(self, *, container_id: str, path: str, text: str) -> None:
        """Put a file, readable by all, into a running container. Raises UnavailableError when it does not take it."""
        with self._short(SHORT_SECONDS) as api:
            container_exec.put_file(client=api, container_id=container_id, path=path, text=text)

    def run_inside(
        self, *, container_id: str, argv: list[str], seconds: float, interrupt: Interrupt
    ) -> tuple[int, str]:
        """Run a short program in a running container, once; its exit code and its output, both bounded.

        Raises UnavailableError, or InterruptedWorkError at once when the work is interrupted.
        """
        with self._short(seconds) as api:
            return container_exec.run_inside(
                client=api, container_id=container_id, argv=argv, seconds=seconds, interrupt=interrupt
            )

    def health_check(self, container_id: str) -> HealthCheck | None:
        """Return how the container is asked whether it is well, where that is ours to ask. Raises UnavailableError."""
        with self._short(SHORT_SECONDS) as api:
            return health_check_of(container_exec.inspect(client=api, container_id=container_id))

    def networks(self, stack: str) -> dict[str, str]:
        """Return the ids of the stack's networks by name."""
        filters = {"label": f"{COMPOSE_PROJECT}={stack}"}
        return {each["Name"]: each["Id"] for each in self._ask(lambda api: api.networks(filters=filters))}

    def remove_containers(self, ids: tuple[str, ...]) -> None:
        """Stop, each with the grace it was created with, and remove; those that are gone already do not matter.

        Their volumes stay, unnamed ones too: nothing here deletes a volume, that is for a person to do.
        """

        def remove(container_id: str) -> None:
            try:
                self._remove(container_id)
            except NotFound:
                return
            except APIError as error:
                message = f"Docker could not remove container {container_id[:12]}: {error.explanation}"
                raise StepFailedError("apply", message) from error

        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(remove, ids))

    def _remove(self, container_id: str) -> None:
        try:
            asked = self._ask(lambda api: api.inspect_container(container_id))["Config"].get("StopTimeout")
            grace = STOP_SECONDS if asked is None else asked
            self._order(lambda api: api.stop(container_id, timeout=grace))
            self._order(lambda api: api.remove_container(container_id, force=True, v=False))
        except APIError as error:
            if error.status_code != CONFLICT:
                raise
            # Somebody else is just removing it, or our own question that was cut off.
            self._wait_until_gone(container_id)

    def _wait_until_gone(self, container_id: str) -> None:
        """Wait; raise NotFound when it is gone, UnavailableError when it is still there after GONE_SECONDS."""
        give_up_at = time.monotonic() + GONE_SECONDS
        while time.monotonic() < give_up_at:
            self._ask(lambda api: api.inspect_container(container_id))
            self._patience.pause(GONE_LOOK_SECONDS)
        raise UnavailableError(
            f"Docker has been removing container {container_id[:12]} for {GONE_SECONDS:.0f} s and is not done."
        )

    def network_ranges(self) -> tuple[tuple[str, str], ...]:
        """Return subnet and gateway of every network that containers of this host have, the gateway perhaps empty."""
        found = self._ask(lambda api: api.networks())
        configs = [each for network in found for each in (network.get("IPAM") or {}).get("Config") or ()]
        return tuple((each["Subnet"], each.get("Gateway", "")) for each in configs if each.get("Subnet"))

    def remove_networks(self, ids: tuple[str, ...]) -> None:
        """Remove networks; one in use stays."""
        for network_id in ids:
            with contextlib.suppress(APIError):
                self._remove_network(network_id)

    def _remove_network(self, network_id: str) -> None:
        self._order(lambda api: api.remove_network(network_id))

    def active_containers(self) -> int:
        """Return how many running containers of this host are ours; within seconds, else EngineAwayError."""
        return len(self._engine.probe(lambda api: api.containers(filters={"label": LABEL_PROJECT})))

    def engine_id(self) -> str:
        """Return the engine's name on its host, one for all who talk to it. Within seconds, else EngineAwayError.

        The host's name goes along, because machines that were copied share the engine's own id.
        """
        found = self._engine.probe(lambda api: api.info())
        return hashlib.sha256(f"{found.get('ID', '')}\0{found.get('Name', '')}".encode()).hexdigest()[:ENGINE_ID_DIGITS]

    def engine_version(self) -> str:
        """Return the engine's version; empty when it does not answer."""
        with contextlib.suppress(EngineAwayError, APIError):
            return str(self._engine.probe(lambda api: api.version())["Version"])
        return ""

    def api_version(self) -> tuple[int, ...]:
        """Return the version of the engine's API, such as (1, 44)."""
        return numbers_of(str(self._ask(lambda api: api.version())["ApiVersion"]))

    def watch(self, *, stack: str, wake: Callable[[], None]) -> Watch:
        """Call `wake` on every event of the stack's containers, until closed."""
        filters = {"type": "container", "label": f"{COMPOSE_PROJECT}={stack}", "event": EVENTS}
        return Watch(engine=self._engine, filters=filters, wake=wake)

    def watch_images(self, *, wake: Callable[[], None]) -> Watch:
        """Call `wake` whenever an image goes, until closed."""
        return Watch(engine=self._engine, filters={"type": "image", "event": ["delete", "untag"]}, wake=wake)

    def order(self, call: Callable[[Any], Result]) -> Result:
        """Have the engine's client do something for somebody who knows what may be done twice."""
        return self._order(call)

    def _short(self, seconds: float) -> contextlib.closing[Any]:
        """Return a client for what the work can do without: a container that hangs must not hold it up."""
        return contextlib.closing(self._engine.short(seconds=seconds))

    def _ask(self, call: Callable[[Any], Result]) -> Result:
        """Ask something that changes nothing."""
        return self._patiently(
            lambda failures: self._engine.attempt(call, seconds=PATIENT_SECONDS if failures else QUESTION_SECONDS)
        )

    def _order(self, call: Callable[[Any], Result]) -> Result:
        return self._patiently(lambda _: self._engine.attempt(call, seconds=PATIENT_SECONDS))

    def _patiently(self, attempt: Callable[[int], Result]) -> Result:
        failures = 0
        while True:
            try:
                result = attempt(failures)
            except EngineAwayError as away:
                failures += 1
                self._patience.wait(away=away, failures=failures)
            except APIError:
                self._patience.answered()
                raise
            else:
                self._patience.answered()
                return result
