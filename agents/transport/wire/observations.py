"""What an agent sees of its host, from the wire and within bounds."""

from __future__ import annotations

import contextlib
from uuid import UUID

from agents.contracts import runner_pb2
from agents.limits import MAX_ERROR_BYTES, MAX_NAME_BYTES, MAX_SETTINGS, MAX_WORD_BYTES
from agents.reports.observation import ContainerSeen
from agents.reports.report_bounds import CONTAINER_ID, cut

# Containers of ours on one host; more than any honest one has.
MAX_OBSERVED = 2000


def bound_observation(message: runner_pb2.Observation) -> None:
    """Cut the message in place: containers without an id that Docker could give are left out."""
    fitting = [seen for seen in message.containers if CONTAINER_ID.fullmatch(seen.id)][:MAX_OBSERVED]
    if len(fitting) != len(message.containers):
        kept = [runner_pb2.ContainerSeen.FromString(seen.SerializeToString()) for seen in fitting]
        del message.containers[:]
        message.containers.extend(kept)


def container_from_wire(message: runner_pb2.ContainerSeen) -> ContainerSeen:
    """Cut what the agent says to what a page can show and the database can keep."""
    project_id = None
    with contextlib.suppress(ValueError):
        project_id = UUID(message.project_id)
    return ContainerSeen(
        id=message.id,
        name=cut(message.name, MAX_NAME_BYTES),
        stack_name=cut(message.stack_name, MAX_NAME_BYTES),
        project_id=project_id,
        deployment_id=_word(message.deployment_id),
        node_id=cut(message.node_id, MAX_NAME_BYTES),
        service_name=cut(message.service_name, MAX_NAME_BYTES),
        image_id=cut(message.image_id, MAX_NAME_BYTES),
        state=_word(message.state),
        health=_word(message.health),
        exit_code=message.exit_code,
        oom_killed=message.oom_killed,
        restarts=max(0, message.restarts),
        started_at_ms=max(0, message.started_at_ms),
        finished_at_ms=max(0, message.finished_at_ms),
        restarts_itself=message.restarts_itself,
        settings={_word(aspect): _word(value) for aspect, value in sorted(message.settings.items())[:MAX_SETTINGS]},
        shown={
            _word(aspect): cut(text, MAX_ERROR_BYTES) for aspect, text in sorted(message.shown.items())[:MAX_SETTINGS]
        },
        memory_kill_at_ms=max(0, message.memory_kill_at_ms),
    )


def _word(text: str) -> str:
    return cut(text, MAX_WORD_BYTES)
