"""What is asked of and ordered from the Swarm, through the manager on this host."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

from docker.errors import APIError, NotFound

from agents.backoff import Backoff
from agents.runner.commands.context import Work
from agents.runner.commands.swarm.service_settings import hashed_settings, observation_key, shown_settings
from agents.runner.commands.swarm.swarm_model import LABEL_RECORD, LABEL_STACK, NAMESPACE, Seen
from agents.runner.commands.swarm.swarm_reading import node_of, service_of, task_of
from agents.runner.docker.registries.engine_registry import RegistryAnswerError, digest_in_registry
from agents.runner.errors import NoLeaderError, StepFailedError
from agents.runner.planning.inspected import reference_of
from agents.runner.planning.registries import RegistryLogin

PAUSES = Backoff(first=0.5, most=5.0)
CONFLICT = 409
SERVER_FAULT = 500
# How a manager says that nobody leads the Swarm at the moment, that it does not reach whoever does, or that its engine
# has just started and joins the Swarm again.
NO_LEADER = re.compile(
    r"does not have a leader|too few managers|deadline exceeded|code = Unavailable|no longer leader|leadership|"
    r"connection error|code = Canceled|raft|is being prepared or has trouble connecting",
    re.IGNORECASE,
)
# A node's own state while its engine starts.
JOINING = "pending"
NOT_A_MANAGER = re.compile(r"not a swarm manager|not part of a swarm", re.IGNORECASE)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Something the agents keep in the Swarm itself: a config that no service uses. Only its labels can change."""

    id: str
    version: int
    name: str
    labels: Mapping[str, str]
    data: bytes


class ManagerApi:
    """Waits, telling so once, while the engine is away or nobody leads the Swarm, until the work is interrupted."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._leaderless = False

    def node_id(self) -> str:
        """Return this node's id in the Swarm, once an engine that was started has joined it again.

        Raises StepFailedError(invalid) where it is no manager.
        """
        for failures in count(1):
            found = self._work.host.order(lambda api: api.info()).get("Swarm") or {}
            if found.get("LocalNodeState") != JOINING:
                break
            self.wait_for_leader("Docker on this server is joining it again.", failures=failures)
        if found.get("LocalNodeState") != "active" or not found.get("ControlAvailable"):
            raise StepFailedError("invalid", "Docker on this server is not a manager of a Swarm.")
        return str(found["NodeID"])

    def look(self, stack: str) -> Seen:
        """Return what is there of the stack by now, as one manager tells it."""
        filters = {"label": f"{NAMESPACE}={stack}"}
        services = self._ask(lambda api: api.services(filters=filters))
        tasks = self._ask(lambda api: api.tasks(filters=filters))
        nodes = (node_of(each) for each in self._ask(lambda api: api.nodes()))
        return Seen(
            services=tuple(sorted((service_of(each) for each in services), key=lambda each: each.name)),
            tasks=tuple(task_of(each) for each in tasks),
            nodes={node.id: node for node in nodes},
        )

    def settings(self, stack: str) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
        """Return by service how it is set up: as hashes under the Swarm's own key, and in words."""
        services = self._ask(lambda api: api.services(filters={"label": f"{NAMESPACE}={stack}"}))
        key = self._ask(observation_key) if services else b""
        return {service_of(each).name: (hashed_settings(each, key=key), shown_settings(each)) for each in services}

    def registry_digest(self, image: str, *, login: RegistryLogin | None) -> tuple[str, str]:
        """Return the digest that the image's registry gives for its name, or none and why it could not be had.

        Raises EngineAwayError.
        """
        try:
            return digest_in_registry(engine=self._work.registries.engine, image=image, login=login), ""
        except RegistryAnswerError as error:
            return "", str(error)

    def local_reference(self, image: str) -> str:
        """Return by what an image of this host is known everywhere: NAME@DIGEST of its registry, else its id.

        Empty where it is not here.
        """
        try:
            found = self._work.host.order(lambda api: api.inspect_image(image))
        except NotFound:
            return ""
        return reference_of(image, known=found.get("RepoDigests") or (), image_id=str(found["Id"]))

    def remove_service(self, service_id: str) -> None:
        self._remove(lambda api: api.remove_service(service_id))

    def networks(self, stack: str) -> dict[str, str]:
        """Return the ids of the stack's networks by name."""
        found = self._ask(lambda api: api.networks(filters={"label": f"{NAMESPACE}={stack}", "scope": "swarm"}))
        return {each["Name"]: each["Id"] for each in found}

    def remove_network(self, network_id: str) -> bool:
        """Remove a network; False for one that something still uses."""
        return self._remove(lambda api: api.remove_network(network_id))

    def stack_configs(self, stack: str) -> dict[str, str]:
        """Return the ids of the configs that the stack's services were given, by name."""
        found = self._ask(lambda api: api.configs(filters={"label": f"{NAMESPACE}={stack}"}))
        return {each["Spec"]["Name"]: each["ID"] for each in found}

    def remove_config(self, config_id: str) -> bool:
        """Remove a config; False for one that a service still has."""
        return self._remove(lambda api: api.remove_config(config_id))

    def records(self, *, kind: str, stack: str) -> list[Record]:
        """Return the records of this kind that agents keep of the stack."""
        labels = [f"{LABEL_RECORD}={kind}", f"{LABEL_STACK}={stack}"]
        return [record_of(each) for each in self._ask(lambda api: api.configs(filters={"label": labels}))]

    def record(self, name: str) -> Record | None:
        found = self._ask(lambda api: api.configs(filters={"name": name}))
        return next((record_of(each) for each in found if each["Spec"]["Name"] == name), None)

    def create_record(self, *, name: str, labels: Mapping[str, str], data: bytes) -> bool:
        """Keep it; False where somebody did before."""
        return self._unless_conflict(lambda api: api.create_config(name=name, labels=dict(labels), data=data))

    def relabel(self, record: Record, *, labels: Mapping[str, str]) -> bool:
        """Store other labels; False where somebody has since the record was read."""
        spec = {"Name": record.name, "Labels": dict(labels), "Data": base64.b64encode(record.data).decode()}

        def update(api: Any) -> None:
            # docker-py has no call for it.
            address = f"{api.base_url}/v{api.api_version}/configs/{record.id}/update"
            answer = api.post(address, params={"version": record.version}, json=spec, timeout=api.timeout)
            if answer.status_code >= 400:
                raise APIError(answer.text, response=answer, explanation=answer.text)

        return self._unless_conflict(update)

    def _unless_conflict(self, call: Callable[[Any], object]) -> bool:
        try:
            self._ask(call)
        except APIError as error:
            # Swarm answers 500 for "update out of sequence".
            if error.status_code == CONFLICT or "out of sequence" in str(error.explanation):
                return False
            raise
        return True

    def _remove(self, call: Callable[[Any], object]) -> bool:
        try:
            self._ask(call)
        except NotFound:
            return True
        except APIError as error:
            if error.status_code is not None and error.status_code < SERVER_FAULT:
                return False
            raise
        return True

    def _ask(self, call: Callable[[Any], Result]) -> Result:
        failures = 0
        while True:
            try:
                result = self._work.host.order(lambda api: _told(call, api))
            except NoLeaderError as error:
                failures += 1
                self.wait_for_leader(str(error), failures=failures)
            else:
                if self._leaderless:
                    self._leaderless = False
                    self._work.reporter.log(source="agent", text="The Swarm has a leader again.\n")
                return result

    def wait_for_leader(self, why: str, *, failures: int) -> None:
        """Pause, and say once what is waited for. Raises InterruptedWorkError."""
        if not self._leaderless:
            self._leaderless = True
            text = f"The Swarm takes no orders at the moment, so the agent waits: {why}\n"
            self._work.reporter.log(source="agent", text=text)
        self._work.reporter.wait_for("the Swarm, which has no leader that is reached")
        self._work.interrupt.pause(PAUSES.pause(failures=failures))


def _told(call: Callable[[Any], Result], api: Any) -> Result:
    """Call; tell an answer that the Swarm has no leader from all others, before it is taken for an engine's absence."""
    try:
        return call(api)
    except APIError as error:
        text = str(error.explanation or error)
        if (error.status_code or 0) >= SERVER_FAULT and "out of sequence" not in text and NO_LEADER.search(text):
            raise NoLeaderError(text) from error
        if NOT_A_MANAGER.search(text):
            raise StepFailedError("internal", f"Docker on this server is no manager of its Swarm: {text}") from error
        raise


def record_of(found: Mapping[str, Any]) -> Record:
    """Return a config as Docker tells it."""
    spec = found["Spec"]
    return Record(
        id=found["ID"],
        version=int(found["Version"]["Index"]),
        name=spec["Name"],
        labels=spec.get("Labels") or {},
        data=base64.b64decode(spec.get("Data") or ""),
    )
