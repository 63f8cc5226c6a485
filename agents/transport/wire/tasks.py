"""The tasks of a Swarm that an agent tells of, from the wire and within bounds, in the words for containers."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from uuid import UUID

from agents.contracts import runner_pb2
from agents.limits import MAX_ERROR_BYTES, MAX_NAME_BYTES, MAX_SETTINGS, MAX_TASKS, MAX_WORD_BYTES
from agents.reports.observation import LOST, WAITING, ContainerSeen
from agents.reports.report_bounds import cut

RUNNING = "running"
ServiceKey = tuple[str, str]


def tasks_from_wire(message: runner_pb2.TasksSeen) -> tuple[ContainerSeen, ...]:
    """Return the tasks, those without an id left out, each with how its service is set up."""
    services = {(each.project_id, each.service_name): each for each in message.services[:MAX_TASKS]}
    return tuple(_task(each, services) for each in message.tasks[:MAX_TASKS] if each.id)


def left_out(message: runner_pb2.TasksSeen) -> int:
    """Return how many tasks are not among those that are taken."""
    return max(0, message.left_out) + max(0, len(message.tasks) - MAX_TASKS)


def _task(message: runner_pb2.TaskSeen, services: Mapping[ServiceKey, runner_pb2.SwarmServiceSeen]) -> ContainerSeen:
    service = services.get((message.project_id, message.service_name), runner_pb2.SwarmServiceSeen())
    project_id = None
    with contextlib.suppress(ValueError):
        project_id = UUID(message.project_id)
    state = _state(message)
    return ContainerSeen(
        id=_word(message.container_id or message.id),
        name=_name(message.name),
        stack_name=_name(message.name.rpartition(f"_{message.service_name}.")[0]),
        project_id=project_id,
        deployment_id="",
        node_id="",
        service_name=_name(message.service_name),
        image_id=_name(message.image_id),
        state=state,
        health="none",
        exit_code=message.exit_code,
        restarts=max(0, message.failures),
        started_at_ms=max(0, message.changed_at_ms) if state == RUNNING else 0,
        restarts_itself=True,
        settings={_word(aspect): _word(value) for aspect, value in sorted(service.settings.items())[:MAX_SETTINGS]},
        shown={
            _word(aspect): cut(text, MAX_ERROR_BYTES) for aspect, text in sorted(service.shown.items())[:MAX_SETTINGS]
        },
        host=_name(message.host),
        error=cut(message.error, MAX_ERROR_BYTES),
    )


def _state(message: runner_pb2.TaskSeen) -> str:
    """Return the word for a container that fits: on a node that is down Swarm goes on telling what it heard last."""
    if message.lost:
        return LOST
    if message.state == RUNNING:
        return RUNNING
    if message.state == "pending" and message.error:
        return WAITING
    return "restarting" if message.failures else "created"


def _word(text: str) -> str:
    return cut(text, MAX_WORD_BYTES)


def _name(text: str) -> str:
    return cut(text, MAX_NAME_BYTES)
