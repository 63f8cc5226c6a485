"""What people do with incidents: look, say that they take care of one, ask not to be told of it for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from agents.services import directory
from agents.wording.sentences import sentence
from deployments.data.incident_types import IncidentRecord
from deployments.data.list_types import Page, PageRequest
from deployments.errors import Conflict
from deployments.repositories.observation import incident_rows
from deployments.services.notifications import mutes
from deployments.services.permissions import access
from deployments.types import Caller, Right
from deployments.wire import incident_brief

# On a page that is about something else, too.
MAX_BRIEF = 12


def list_incidents(
    *, caller: Caller, project_id: UUID | None = None, still_open: bool | None = None, page: int = 1, limit: int = 20
) -> Page[IncidentRecord]:
    """Return a page of incidents of one project, or of all that the caller may see, the newest first.

    `still_open` narrows it to those that are open, or to those that are not. Raises NotFound for strangers.
    """
    if project_id is not None:
        access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    wanted = PageRequest(page=page, limit=limit)
    return incident_rows.page_of(
        caller=caller, project_id=project_id, still_open=still_open, page=wanted.page, limit=wanted.limit
    )


def get_incident(*, caller: Caller, incident_id: UUID) -> IncidentRecord:
    """Return the incident. Raises NotFound for strangers."""
    return incident_rows.find(caller=caller, incident_id=incident_id)


def acknowledge(*, caller: Caller, incident_id: UUID, at: datetime) -> IncidentRecord:
    """Note that the caller takes care of it; who said so first stays. Raises NotFound, Forbidden, or Conflict."""
    _to_act_on(caller=caller, incident_id=incident_id)
    incident_rows.acknowledge(incident_id=incident_id, by=caller.user_id, at=at)
    return get_incident(caller=caller, incident_id=incident_id)


def mute(*, caller: Caller, incident_id: UUID, minutes: int, at: datetime) -> IncidentRecord:
    """Send nothing about it for so long; 0 ends that. Raises NotFound, Forbidden, Invalid, or Conflict."""
    until = mutes.end_of(minutes=minutes, at=at)
    _to_act_on(caller=caller, incident_id=incident_id)
    incident_rows.mute(incident_id=incident_id, until=until)
    return get_incident(caller=caller, incident_id=incident_id)


def open_briefs(*, caller: Caller, project_id: UUID | None = None) -> tuple[list[dict[str, Any]], int]:
    """Return the newest open incidents as pages list them, and how many there are. Raises NotFound for strangers."""
    found = list_incidents(caller=caller, project_id=project_id, still_open=True, limit=MAX_BRIEF)
    names = server_names(found.items)
    return [incident_brief(each, server_name=names[each.server_id]) for each in found.items], found.total


def server_names(incidents: tuple[IncidentRecord, ...]) -> dict[UUID, str]:
    """Return what people call the servers of these incidents, a piece of its id for one that is gone."""
    ids = {incident.server_id for incident in incidents}
    return {**{server_id: str(server_id)[:8] for server_id in ids}, **directory.server_names(server_ids=ids)}


def _to_act_on(*, caller: Caller, incident_id: UUID) -> None:
    incident = get_incident(caller=caller, incident_id=incident_id)
    access.project_for(caller=caller, project_id=incident.project_id, right=Right.DEPLOY)
    if not incident.is_open:
        raise Conflict(sentence("The incident is over."))
