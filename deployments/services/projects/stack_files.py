"""The files of a stack as they would be generated now, for people who run it by themselves."""

from __future__ import annotations

from uuid import UUID

from agents.wording.sentences import sentence
from deployments.errors import NotFound
from deployments.repositories import bundles, projects
from deployments.services.permissions import access
from deployments.services.stacks import generation
from deployments.types import Caller, Right


def stack_files(*, caller: Caller, project_id: UUID, version: int | None = None) -> dict[str, str]:
    """Return docker-compose.yml, .env.example and Dockerfiles of a version of the graph, the newest without one.

    They name secrets and hold no values. Raises NotFound, or Invalid for a graph that gives no stack.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    if version is None:
        graph = projects.latest_graph(project_id=project_id)
    else:
        graph = projects.get_graph(project_id=project_id, version=version)
    if graph is None:
        raise NotFound(sentence("The project has no graph yet."))
    code = bundles.assigned(project_id=project_id)
    stack = generation.generate_stack(project=project, graph=graph.graph, code=code, env_names=())
    return dict(stack.files)
