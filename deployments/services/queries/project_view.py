"""What is going on in a project: the deployments that matter now, for its page and its socket."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from deployments.repositories.paging import deployment_lists
from deployments.services.fleet import machine_list
from deployments.services.permissions import access
from deployments.types import Caller, DeploymentRecord, ProjectRecord, Right

RECENT = 10


@dataclass(frozen=True, kw_only=True)
class ProjectView:
    """Unfinished deployments, the last success of each target and the newest few; newest first. Target names by id."""

    project: ProjectRecord
    deployments: tuple[DeploymentRecord, ...]
    target_names: dict[UUID, str]


def view_project(*, caller: Caller, project_id: UUID) -> ProjectView:
    """Return what is going on in the project. Raises NotFound, also for strangers."""
    project = access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    current = deployment_lists.current_of_project(project_id=project_id, recent=RECENT)
    names = machine_list.target_names(deployment.target for deployment in current)
    return ProjectView(project=project, deployments=current, target_names=names)
