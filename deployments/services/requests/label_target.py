"""A deployment names a label in place of a server, where exactly one server of the project has it."""

from __future__ import annotations

from uuid import UUID

from agents.wording.sentences import sentence
from deployments.errors import Invalid, NotFound
from deployments.services.queries import grant_view
from deployments.types import Caller, Target, TargetKind

FIELD = "serverLabel"
MAX_NAMED = 5


def target_of_label(*, caller: Caller, project_id: UUID, label: str) -> Target:
    """Return the one server with this label that the caller can deploy the project to and that is not drained.

    Raises NotFound for no project and for no such server, or Invalid naming those that match where there are several.
    """
    there = grant_view.targets_of(caller=caller, project_id=project_id)
    found = [each.server for each in there if each.usable and label in each.server.labels]
    ready = [server for server in found if server.drained_at is None]
    if not ready:
        drained = " that is not drained" if found else ""
        raise NotFound(
            sentence("No server with the label {label}{drained} can be deployed to.", label=label, drained=drained),
            details={FIELD: sentence("not found")},
        )
    if len(ready) > 1:
        names = ", ".join(server.name for server in ready[:MAX_NAMED])
        raise Invalid(
            sentence("Several servers have the label {label}: {names}. Name one.", label=label, names=names),
            details={FIELD: sentence("not the only one")},
        )
    return Target(kind=TargetKind.SERVER, id=ready[0].id)
