"""Incidents: opened, changed and closed by the rules, acknowledged and muted by people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from agents.wording.sentences import sentence
from deployments.data.incident_types import Cause, Finding, IncidentRecord, OpenIncident, Severity
from deployments.data.list_types import Page
from deployments.errors import NotFound
from deployments.models import Incident
from deployments.repositories import projects
from deployments.repositories.observation.stack_states import StackKey
from deployments.types import Caller

MAX_LISTED = 200


def open_of(*, project_ids: Collection[UUID]) -> dict[StackKey, tuple[OpenIncident, ...]]:
    """Return what the rules need of the open incidents of these projects, by project and server."""
    found: dict[StackKey, list[OpenIncident]] = defaultdict(list)
    # What a newer version opens is closed by that one.
    rows = Incident.objects.filter(project_id__in=project_ids, closed_at__isnull=True, cause__in=list(Cause))
    for row in rows.only("project_id", "server_id", "cause", "severity", "message", "services", "quiet_since"):
        found[row.project_id, row.server_id].append(_open(row))
    return {key: tuple(incidents) for key, incidents in found.items()}


def open_in(*, project_id: UUID, server_id: UUID) -> tuple[OpenIncident, ...]:
    """Return the same of one stack. Inside a transaction that holds the stack's lock it stays so."""
    return open_of(project_ids=[project_id]).get((project_id, server_id), ())


def open_one(
    *,
    incident_id: UUID,
    project_id: UUID,
    server_id: UUID,
    finding: Finding,
    containers: Sequence[Mapping[str, Any]],
    deployment_id: UUID | None,
    at: datetime,
    wants_lines: bool = False,
) -> None:
    """Store a new incident; `wants_lines`: its agent is to be asked for them.

    Raises IntegrityError where one of this cause is open.
    """
    Incident.objects.create(
        id=incident_id,
        project_id=project_id,
        server_id=server_id,
        deployment_id=deployment_id,
        opened_at=at,
        lines_due_at=at if wants_lines else None,
        **_facts(finding, containers=containers, at=at),
    )


def change(
    *, project_id: UUID, server_id: UUID, finding: Finding, containers: Sequence[Any], at: datetime
) -> IncidentRecord | None:
    """Store what is known by now; since when it is so stays as it was. Return the incident where it became worse."""
    facts = _facts(finding, containers=containers, at=at)
    del facts["since_ms"]
    if not finding.log_tail:
        # What its agent was asked for at the beginning stays.
        del facts["log_tail"]
    rows = _opened(project_id, server_id, finding.cause)
    milder = finding.severity is Severity.CRITICAL and rows.filter(severity=Severity.WARNING).exists()
    rows.update(**facts)
    row = _rows().filter(pk__in=rows.values("pk")).first() if milder else None
    return None if row is None else _record(row)


def any_without_lines() -> bool:
    """Return whether an agent may have to be asked for the lines of an incident; others may do that meanwhile."""
    return Incident.objects.filter(lines_due_at__lte=Now()).exists()


def claim_lines(*, now: datetime, lease: timedelta) -> IncidentRecord | None:
    """Take the next incident whose lines are to be asked for; it is due again after the lease. Opens a transaction."""
    with transaction.atomic():
        due = _rows().filter(lines_due_at__lte=now).order_by("lines_due_at")
        row = due.select_for_update(skip_locked=True, of=("self",)).first()
        if row is None:
            return None
        Incident.objects.filter(pk=row.pk).update(lines_due_at=now + lease)
    return _record(row)


def store_lines(*, incident_id: UUID, lines: Sequence[str]) -> None:
    """Store what its agent told, and ask no more; lines that are there stay."""
    rows = Incident.objects.filter(pk=incident_id, lines_due_at__isnull=False)
    if lines:
        rows.filter(log_tail=[]).update(log_tail=list(lines))
    rows.update(lines_due_at=None)


def note_quiet(*, project_id: UUID, server_id: UUID, cause: Cause, quiet_ms: int) -> None:
    """Store since when the cause is not seen any more; 0 while it is."""
    since = datetime.fromtimestamp(quiet_ms / 1000, tz=UTC) if quiet_ms else None
    _opened(project_id, server_id, cause).update(quiet_since=since)


def close(*, project_id: UUID, server_id: UUID, cause: Cause, at: datetime) -> IncidentRecord | None:
    """Close the open incident of the stack and return it; None when there is none."""
    row = _rows().filter(project_id=project_id, server_id=server_id, cause=cause, closed_at__isnull=True).first()
    if row is None:
        return None
    Incident.objects.filter(pk=row.pk).update(closed_at=at, updated_at=at)
    row.closed_at = at
    return _record(row)


def get(*, incident_id: UUID) -> IncidentRecord:
    """Return the incident without asking for anybody's right: for the product itself."""
    return _record(_rows().get(pk=incident_id))


def locked_open(*, incident_id: UUID) -> IncidentRecord | None:
    """Return the incident while it is open, locked against its end. Inside a transaction."""
    rows = _rows().filter(pk=incident_id, closed_at__isnull=True).select_for_update(of=("self",))
    row = rows.first()
    return None if row is None else _record(row)


def find(*, caller: Caller, incident_id: UUID) -> IncidentRecord:
    """Return the incident. Raises NotFound, also where the caller may not see its project."""
    row = _visible(caller).filter(pk=incident_id).first()
    if row is None:
        raise NotFound(sentence("No such incident."))
    return _record(row)


def page_of(
    *, caller: Caller, project_id: UUID | None, still_open: bool | None, page: int, limit: int
) -> Page[IncidentRecord]:
    """Return a page of the incidents that the caller may see, the newest first."""
    rows = _visible(caller)
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    if still_open is not None:
        rows = rows.filter(closed_at__isnull=still_open)
    ordered = rows.order_by("-opened_at", "-id")[(page - 1) * limit : page * limit]
    return Page(items=tuple(map(_record, ordered)), page=page, limit=limit, total=rows.count())


def acknowledge(*, incident_id: UUID, by: UUID, at: datetime) -> None:
    """Note who takes care of it; the first one stays."""
    rows = Incident.objects.filter(pk=incident_id, acknowledged_at__isnull=True)
    rows.update(acknowledged_at=at, acknowledged_by=by)


def mute(*, incident_id: UUID, until: datetime | None) -> None:
    Incident.objects.filter(pk=incident_id).update(muted_until=until)


def forget_server(*, server_id: UUID) -> None:
    """Drop the incidents on a server that is being removed."""
    Incident.objects.filter(server_id=server_id).delete()


def drop_before(*, before: datetime, limit: int) -> int:
    """Delete incidents that were closed before then; return how many."""
    ids = list(Incident.objects.filter(closed_at__lt=before).order_by("closed_at").values_list("pk", flat=True)[:limit])
    return Incident.objects.filter(pk__in=ids).delete()[0]


def _opened(project_id: UUID, server_id: UUID, cause: Cause) -> QuerySet[Incident]:
    return Incident.objects.filter(project_id=project_id, server_id=server_id, cause=cause, closed_at__isnull=True)


def _rows() -> QuerySet[Incident]:
    return Incident.objects.select_related("project", "acknowledged_by")


def _visible(caller: Caller) -> QuerySet[Incident]:
    rows = _rows()
    return rows if caller.sees_everything else rows.filter(project__in=projects.visible(caller=caller).values("pk"))


def _facts(finding: Finding, *, containers: Sequence[Mapping[str, Any]], at: datetime) -> dict[str, Any]:
    return {
        "cause": finding.cause,
        "severity": finding.severity,
        "message": finding.message,
        "services": list(finding.services),
        "log_tail": list(finding.log_tail),
        "containers": [dict(container) for container in containers],
        "since_ms": finding.since_ms,
        "updated_at": at,
    }


def _open(row: Incident) -> OpenIncident:
    return OpenIncident(
        cause=Cause(row.cause),
        severity=Severity(row.severity),
        message=row.message,
        services=tuple(row.services),
        quiet_ms=int(row.quiet_since.timestamp() * 1000) if row.quiet_since else 0,
    )


def _record(row: Incident) -> IncidentRecord:
    return IncidentRecord(
        id=row.id,
        project_id=row.project_id,
        project_name=row.project.name,
        server_id=row.server_id,
        cause=row.cause,
        severity=row.severity,
        message=row.message,
        services=tuple(row.services),
        containers=tuple(row.containers),
        log_tail=tuple(row.log_tail),
        deployment_id=row.deployment_id,
        since_ms=row.since_ms,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        closed_at=row.closed_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by.get_username() if row.acknowledged_by else "",
        muted_until=row.muted_until,
        quiet_since=row.quiet_since,
    )
