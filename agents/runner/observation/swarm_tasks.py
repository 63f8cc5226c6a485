"""Watches the tasks of our services in the Swarm, where this engine is a manager of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import TASKS_PROTOCOL
from agents.limits import MAX_ERROR_BYTES, MAX_NAME_BYTES, MAX_TASKS_BYTES, MAX_WORD_BYTES
from agents.reports.report_bounds import cut
from agents.runner.commands.swarm.service_settings import hashed_settings, observation_key, shown_settings
from agents.runner.commands.swarm.swarm_model import NAMESPACE, SwarmNode, SwarmTask, digest_of
from agents.runner.commands.swarm.swarm_reading import node_of, service_of, task_of
from agents.runner.docker.events import Watch
from agents.runner.docker.swarm import EngineSwarm
from agents.runner.observation.watching import Teller, Watcher, dated
from agents.runner.planning.model import LABEL_LANE, LABEL_PROJECT

TasksSender = Teller[pb.TasksSeen]
# Of failures alone: what a deployment ended is no failure.
FAILED = frozenset({"failed", "rejected"})


class TasksWatch(Watcher[pb.TasksSeen]):
    """Of one engine. Where it is no manager, or has no quorum, nothing new is told."""

    name = "tasks of the swarm"
    # No event tells of tasks.
    look_seconds = 1.0
    settle_seconds = 0.2

    def __init__(
        self, *, swarm: EngineSwarm, manages: Callable[[], pb.SwarmSeen | None], wake: Callable[[], None]
    ) -> None:
        """`manages`: what was seen of the engine's own swarm last."""
        super().__init__(wake=wake)
        self._swarm = swarm
        self._manages = manages
        self._key = b""
        self._swarm_id = ""

    def _events(self, wake: Callable[[], None]) -> Watch:
        return self._swarm.watch(wake=wake, kinds=("node", "service"))

    def look(self) -> None:
        """Look once; wake whoever tells it when it is not as it was."""
        mine = self._manages()
        if mine is None or not mine.control_available:
            return
        if mine.swarm_id != self._swarm_id:
            self._swarm_id, self._key = mine.swarm_id, b""
        self._take(self._swarm.ask(self._read))

    def _read(self, api: Any) -> pb.TasksSeen:
        services = [each for each in api.services(filters={"label": LABEL_LANE}) if _labels(each).get(LABEL_PROJECT)]
        if not services:
            return pb.TasksSeen(swarm_id=self._swarm_id)
        self._key = self._key or observation_key(api)
        tasks, nodes = api.tasks(), {each["ID"]: node_of(each) for each in api.nodes()}
        return described(swarm_id=self._swarm_id, services=services, tasks=tasks, nodes=nodes, key=self._key)


def described(
    *,
    swarm_id: str,
    services: list[Mapping[str, Any]],
    tasks: list[Mapping[str, Any]],
    nodes: Mapping[str, SwarmNode],
    key: bytes,
) -> pb.TasksSeen:
    """Return the tasks that Swarm means to run, in an order of their own, as far as they fit; `at_ms` is left empty."""
    told = pb.TasksSeen(swarm_id=swarm_id)
    for service in sorted(services, key=lambda each: str(each["ID"])):
        told.services.append(_service(service, key=key))
    of_service = {each["ID"]: each for each in services}
    ours = [each for each in tasks if each.get("ServiceID") in of_service]
    size = told.ByteSize()
    for task in sorted(_meant(ours, of_service, nodes), key=lambda each: each.id):
        size += task.ByteSize() + 4
        if size > MAX_TASKS_BYTES:
            told.left_out += 1
        else:
            told.tasks.append(task)
    return told


def _meant(
    tasks: list[Mapping[str, Any]], services: Mapping[str, Mapping[str, Any]], nodes: Mapping[str, SwarmNode]
) -> Iterator[pb.TaskSeen]:
    places: dict[tuple[str, int], list[SwarmTask]] = {}
    for raw in tasks:
        places.setdefault((raw["ServiceID"], int(raw.get("Slot") or 0)), []).append(task_of(raw))
    for (service_id, slot), at_place in places.items():
        for task in at_place:
            if task.wanted:
                failed = [each for each in at_place if each.state in FAILED and each.owner == task.owner]
                yield _task(task, services[service_id], slot=slot, node=nodes.get(task.node_id), failed=failed)


def _task(
    task: SwarmTask, service: Mapping[str, Any], *, slot: int, node: SwarmNode | None, failed: list[SwarmTask]
) -> pb.TaskSeen:
    last = max(failed, key=lambda each: each.changed_at, default=None)
    known = service_of(service)
    place = slot or task.node_id
    return pb.TaskSeen(
        id=task.id,
        container_id=cut(task.container_id, MAX_WORD_BYTES),
        name=cut(f"{known.full_name}.{place}", MAX_NAME_BYTES),
        project_id=cut(known.project_id, MAX_WORD_BYTES),
        service_name=cut(known.name, MAX_NAME_BYTES),
        state=cut(task.state, MAX_WORD_BYTES),
        host=cut((node.name if node else task.node_id), MAX_NAME_BYTES),
        lost=bool(task.node_id) and (node is None or node.is_lost),
        error=cut(task.error or (last.error if last else ""), MAX_ERROR_BYTES),
        failures=len(failed),
        exit_code=task.exit_code or (last.exit_code if last else 0),
        changed_at_ms=int(task.changed_at * 1000),
        image_id=digest_of(task.image),
    )


def _service(service: Mapping[str, Any], *, key: bytes) -> pb.SwarmServiceSeen:
    known = service_of(service)
    return pb.SwarmServiceSeen(
        project_id=cut(known.project_id, MAX_WORD_BYTES),
        service_name=cut(known.name, MAX_NAME_BYTES),
        settings=hashed_settings(service, key=key),
        shown=shown_settings(service),
    )


def _labels(service: Mapping[str, Any]) -> Mapping[str, str]:
    labels: Mapping[str, str] = service["Spec"].get("Labels") or {}
    return labels if NAMESPACE in labels else {}


def tasks_sender(watch: TasksWatch) -> TasksSender:
    """Return what tells it. Inside the running loop."""
    return Teller(watcher=watch, protocol=TASKS_PROTOCOL, message=_message)


def _message(seen: pb.TasksSeen) -> pb.FromAgent:
    return pb.FromAgent(tasks=dated(seen))
