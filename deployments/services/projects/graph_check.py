"""What the generator says of a graph before it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from deployments.repositories import bundles
from deployments.services.permissions import access, quotas
from deployments.services.stacks import generation
from deployments.services.stacks.generation import invalid_graph
from deployments.types import Caller, Right
from stackgen.errors import GraphInvalid
from stackgen.graph.reader import parse_graph
from stackgen.graph.secrets import split_secrets


def check_graph(*, caller: Caller, project_id: UUID, graph: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the generator's warnings of what this graph and the project's code would make; store nothing.

    Raises NotFound, Forbidden, TooMuch, or Invalid with every problem by node and field.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    with quotas.heavy_turn(caller):
        try:
            parse_graph(graph)
            public = split_secrets(graph).graph
        except GraphInvalid as error:
            raise invalid_graph(error) from error
        code = bundles.assigned(project_id=project_id)
        return generation.generate_stack(project=project, graph=public, code=code, env_names=()).warnings
