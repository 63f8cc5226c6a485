"""What a deployment takes over of its server: containers that are not ours, and their volumes."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from agents.contracts.version import ADOPTION_PROTOCOL
from agents.services import directory
from agents.types import DeployCommand
from agents.wording.sentences import sentence
from deployments.data.adoption_types import AdoptionState
from deployments.errors import Invalid
from deployments.repositories.adoption import adoption_rows
from deployments.states import Kind
from deployments.types import DeploymentRecord


def with_adopted(command: DeployCommand, *, deployment: DeploymentRecord, agent_id: UUID) -> DeployCommand:
    """Return the order with what the project takes over on its server, or has taken over. Raises Invalid.

    What fails is put back in any case: what is taken over runs for people who did not ask for this deployment.
    """
    adopted = adoption_rows.of_project(project_id=deployment.project_id, server_id=deployment.target.id)
    if not adopted or deployment.kind == Kind.STOP:
        return command
    if directory.get_agent(agent_id=agent_id).protocol < ADOPTION_PROTOCOL:
        raise Invalid(sentence("The server's agent is too old to take containers over. Bring it up to date."))
    planned = [each for each in adopted if each.state is AdoptionState.PLANNED]
    return replace(
        command,
        takes_over={key: name for each in planned for key, name in each.containers.items()},
        adopted_volumes=tuple(sorted({name for each in adopted for name in each.volumes})),
        restore_on_failure=command.restore_on_failure or bool(planned),
    )


def note_taken(*, deployment: DeploymentRecord) -> None:
    """Note that what was to be taken over is. In the transaction that stores the success."""
    if deployment.kind != Kind.STOP:
        adoption_rows.take(project_id=deployment.project_id, server_id=deployment.target.id)


def plan_notes(*, project_id: UUID, server_id: UUID) -> tuple[str, ...]:
    """Return a sentence for what the next deployment there takes over; none where nothing is left to take over."""
    planned = [
        each
        for each in adoption_rows.of_project(project_id=project_id, server_id=server_id)
        if each.state is AdoptionState.PLANNED
    ]
    notes = []
    for each in planned:
        names = ", ".join(sorted(each.containers.values()))
        kept = f" Its data stays in {', '.join(each.volumes)}." if each.volumes else ""
        notes.append(
            f"Takes over the containers {names}: they are stopped when everything can start, and started again if this"
            f" fails. After a success they stay on the server, stopped.{kept}"
        )
    return tuple(notes)
