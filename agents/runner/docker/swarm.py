"""The Swarm of this host's engine, read and changed through its API."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from docker.errors import APIError, NotFound
from requests import RequestException

from agents.contracts import runner_pb2 as pb
from agents.limits import MAX_ERROR_BYTES, MAX_MANAGERS, MAX_NAME_BYTES, MAX_NODE_LABELS, MAX_NODES, MAX_WORD_BYTES
from agents.reports.report_bounds import cut
from agents.runner.docker.engine import PATIENT_SECONDS, Engine, reason_of
from agents.runner.docker.events import Watch
from agents.runner.errors import EngineAwayError, StepFailedError
from agents.runner.planning.docker_times import epoch_ms

INACTIVE, ACTIVE = "inactive", "active"
NONE, WORKER, MANAGER, UNKNOWN = "none", "worker", "manager", "unknown"
NANO = 1_000_000_000
LABEL_CLUSTER = "axion.cluster"
# On a node: which command changed it last.
LABEL_CHANGE = "axion.change"
LISTEN = "0.0.0.0:2377"
# Docker itself waits 20 s for a join, and for managers that do not answer.
CHANGE_SECONDS = 60.0
MAX_TRIES = 10
PAUSE_SECONDS = 0.2
OUT_OF_SEQUENCE = "out of sequence"
Result = TypeVar("Result")


class EngineSwarm:
    """Asks over lines of its own: a manager without a quorum answers 503, or late, and is not away for that.

    Raises StepFailedError with Docker's own reason for what it refuses, and EngineAwayError where it does not answer.
    """

    def __init__(self, *, engine: Engine) -> None:
        self._engine = engine

    def watch(self, *, wake: Callable[[], None], kinds: Sequence[str] = ("node",)) -> Watch:
        """Call `wake` whenever a manager hears that a node, or something of these kinds, changed, until closed."""
        return Watch(engine=self._engine, filters={"type": list(kinds)}, wake=wake)

    def ask(self, call: Callable[[Any], Result]) -> Result:
        """Return what one manager answers, by several questions where there are several."""
        with self._asked(PATIENT_SECONDS) as api:
            return call(api)

    def look(self) -> pb.SwarmSeen:
        """Return what the engine says of its swarm now; `at_ms` is left empty."""
        with self._asked(PATIENT_SECONDS) as api:
            said = api.info().get("Swarm") or {}
            seen = described(said)
            if not seen.control_available:
                return seen
            try:
                nodes = api.nodes()
            except APIError as error:
                seen.control_available = False
                seen.error = cut(str(error.explanation or error), MAX_ERROR_BYTES)
                return seen
        add_nodes(seen, nodes)
        return seen

    def init(self, *, advertise_address: str, cluster_id: str) -> None:
        """Make a swarm of this one node, labelled with the cluster."""
        with self._asked() as api:
            spec = api.create_swarm_spec(labels={LABEL_CLUSTER: cluster_id})
            api.init_swarm(advertise_addr=advertise_address or None, listen_addr=LISTEN, swarm_spec=spec)

    def cluster_label(self) -> str:
        """Return for which cluster the swarm was made; empty when for none of ours."""
        with self._asked() as api:
            return str((api.inspect_swarm()["Spec"].get("Labels") or {}).get(LABEL_CLUSTER, ""))

    def is_fresh(self, *, since_ms: int) -> bool:
        """Tell whether the swarm was made since then and is still this one node without any service."""
        with self._asked() as api:
            made = epoch_ms(str(api.inspect_swarm().get("CreatedAt") or "0001"))
            return made >= since_ms and len(api.nodes()) == 1 and not api.services()

    def put_label(self, *, cluster_id: str) -> None:
        """Label the swarm with the cluster that it was made for."""

        def put(api: Any) -> None:
            swarm = api.inspect_swarm()
            labels = {**(swarm["Spec"].get("Labels") or {}), LABEL_CLUSTER: cluster_id}
            api.update_swarm(swarm["Version"]["Index"], {**swarm["Spec"], "Labels": labels})

        self._in_sequence(put)

    def join_token(self, *, manager: bool) -> str:
        """Return the token with which a node joins. Secret."""
        with self._asked() as api:
            return str(api.inspect_swarm()["JoinTokens"]["Manager" if manager else "Worker"])

    def join(self, *, token: str, managers: list[str], advertise_address: str) -> None:
        """Join; returns when the engine has it in hand, which may be before it is done."""
        with self._asked() as api:
            try:
                api.join_swarm(managers, token, listen_addr=LISTEN, advertise_addr=advertise_address or None)
            except APIError as error:
                if "continue in the background" not in str(error.explanation):
                    raise

    def leave(self, *, force: bool) -> None:
        with self._asked() as api:
            api.leave_swarm(force=force)

    def update_node(self, node_id: str, *, role: str, availability: str, stamp: tuple[str, int] | None = None) -> bool:
        """Give the node this role and availability; an empty word leaves it.

        `stamp`: the lane and number of the command that asks for it, which the node keeps as a label. False, and
        nothing is changed, where a later command of the lane was here: whoever is late changes nothing any more.
        """

        def update(api: Any) -> bool:
            node = api.inspect_node(node_id)
            spec = node["Spec"]
            labels = dict(spec.get("Labels") or {})
            if stamp is not None:
                lane, _, number = labels.get(LABEL_CHANGE, "").rpartition("#")
                if lane == stamp[0] and number.isdigit() and int(number) > stamp[1]:
                    return False
                labels[LABEL_CHANGE] = f"{stamp[0]}#{stamp[1]}"
            changes = {"Role": role or spec["Role"], "Availability": availability or spec["Availability"]}
            wanted = {**spec, **changes, "Labels": labels}
            if wanted != spec:
                api.update_node(node_id, node["Version"]["Index"], wanted)
            return True

        return self._in_sequence(update)

    def remove_node(self, node_id: str) -> None:
        """Take the node out of the swarm, as a worker where it was a manager. Nothing, where it is no part of it."""
        with self._asked() as api, contextlib.suppress(NotFound):
            if api.inspect_node(node_id)["Spec"]["Role"] == MANAGER:
                self.update_node(node_id, role=WORKER, availability="")
            api.remove_node(node_id, force=True)

    def rotate_tokens(self) -> None:
        """Make both join tokens anew. Repeated, it makes them anew once more, which harms nobody."""

        def rotate(api: Any) -> None:
            swarm = api.inspect_swarm()
            api.update_swarm(
                swarm["Version"]["Index"], swarm["Spec"], rotate_worker_token=True, rotate_manager_token=True
            )

        self._in_sequence(rotate)

    def _in_sequence(self, change: Callable[[Any], Result]) -> Result:
        """Change what was just read; read it anew where somebody else, or the swarm itself, was faster."""
        for tries in range(1, MAX_TRIES + 1):
            try:
                with self._asked() as api:
                    return change(api)
            except StepFailedError as error:
                if OUT_OF_SEQUENCE not in str(error) or tries == MAX_TRIES:
                    raise
            time.sleep(PAUSE_SECONDS)
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def _asked(self, seconds: float = CHANGE_SECONDS) -> Iterator[Any]:
        """Give a client, and say in our errors what went wrong with it."""
        try:
            with contextlib.closing(self._engine.short(seconds=seconds)) as api:
                yield api
        except APIError as error:
            raise StepFailedError("swarm", cut(str(error.explanation or error), MAX_ERROR_BYTES)) from error
        except RequestException as error:
            raise EngineAwayError(reason_of(error)) from error


def described(said: Mapping[str, Any]) -> pb.SwarmSeen:
    """Return an engine's word about its own swarm, of what its `info` says."""
    state, node_id = str(said.get("LocalNodeState") or INACTIVE), str(said.get("NodeID") or "")
    swarm_id = str((said.get("Cluster") or {}).get("ID") or "")
    error = str(said.get("Error") or "")
    manager = bool(said.get("ControlAvailable"))
    managers = sorted(str(each.get("Addr") or "") for each in said.get("RemoteManagers") or ())
    return pb.SwarmSeen(
        role=_role(state=state, manager=manager),
        state=cut(state, MAX_WORD_BYTES),
        swarm_id=cut(swarm_id, MAX_WORD_BYTES),
        node_id=cut(node_id, MAX_WORD_BYTES),
        control_available=manager and bool(swarm_id) and not error,
        node_address=cut(str(said.get("NodeAddr") or ""), MAX_NAME_BYTES),
        manager_addresses=[cut(each, MAX_NAME_BYTES) for each in managers[:MAX_MANAGERS]],
        error=cut(error, MAX_ERROR_BYTES),
    )


def _role(*, state: str, manager: bool) -> str:
    if state == INACTIVE:
        return NONE
    if manager:
        return MANAGER
    return WORKER if state == ACTIVE else UNKNOWN


def add_nodes(seen: pb.SwarmSeen, nodes: list[Mapping[str, Any]]) -> None:
    """Add the nodes, and whether this one leads, to what a manager's engine said."""
    described_nodes = [_node(each) for each in sorted(nodes, key=lambda each: str(each["ID"]))]
    seen.leader = any(each.leader and each.id == seen.node_id for each in described_nodes)
    seen.nodes_count = len(described_nodes)
    # Managers first, where there are more than can be told.
    told = sorted(described_nodes, key=lambda each: each.role != MANAGER)[:MAX_NODES]
    seen.nodes.extend(sorted(told, key=lambda each: each.id))


def _node(said: Mapping[str, Any]) -> pb.SwarmNode:
    spec, description = said.get("Spec") or {}, said.get("Description") or {}
    status, manager = said.get("Status") or {}, said.get("ManagerStatus") or {}
    platform, resources = description.get("Platform") or {}, description.get("Resources") or {}
    given = {name: value for name, value in (spec.get("Labels") or {}).items() if name != LABEL_CHANGE}
    labels = sorted(given.items())[:MAX_NODE_LABELS]
    return pb.SwarmNode(
        id=cut(str(said["ID"]), MAX_WORD_BYTES),
        hostname=cut(str(description.get("Hostname") or ""), MAX_NAME_BYTES),
        role=cut(str(spec.get("Role") or ""), MAX_WORD_BYTES),
        leader=bool(manager.get("Leader")),
        reachability=cut(str(manager.get("Reachability") or ""), MAX_WORD_BYTES),
        availability=cut(str(spec.get("Availability") or ""), MAX_WORD_BYTES),
        state=cut(str(status.get("State") or ""), MAX_WORD_BYTES),
        message=cut(str(status.get("Message") or ""), MAX_ERROR_BYTES),
        address=cut(str(status.get("Addr") or ""), MAX_NAME_BYTES),
        engine_version=cut(str((description.get("Engine") or {}).get("EngineVersion") or ""), MAX_WORD_BYTES),
        os=cut(str(platform.get("OS") or ""), MAX_WORD_BYTES),
        architecture=cut(str(platform.get("Architecture") or ""), MAX_WORD_BYTES),
        cpus=int(resources.get("NanoCPUs") or 0) / NANO,
        memory_bytes=int(resources.get("MemoryBytes") or 0),
        labels={cut(str(name), MAX_WORD_BYTES): cut(str(value), MAX_WORD_BYTES) for name, value in labels},
    )
