"""Pages of deployments."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import F, Func, IntegerField

from deployments.data.list_types import DeploymentFilter, Page, Position
from deployments.models import Deployment
from deployments.repositories import history, projects
from deployments.repositories.deployments import rows
from deployments.repositories.paging.pages import ANYTHING, Selection, ids_after, ids_at, top
from deployments.repositories.records import DEPLOYMENT_COLUMNS, OMITTED, deployment_record
from deployments.states import UNFINISHED, Status
from deployments.types import Caller, DeploymentRecord

# More than these wait in a lane only when something is wrong; lists stay bounded.
MAX_WAITING = 50
# Of files and graphs that one list reads, as they are stored: packed.
MAX_LIST_BYTES = 2 * 1024 * 1024
LIGHT_COLUMNS = tuple(name for name in DEPLOYMENT_COLUMNS if name not in ("config", "graph_version__graph"))


def selection_of(*, caller: Caller, project_id: UUID | None = None, matching: DeploymentFilter = ANYTHING) -> Selection:
    """Return what the caller may see and matches, of one project when given: nothing when it is not theirs to see."""
    if caller.sees_everything:
        return Selection(project_ids=None if project_id is None else (project_id,), matching=matching)
    mine = projects.visible(caller=caller).order_by()
    if project_id is not None:
        mine = mine.filter(pk=project_id)
    return Selection(project_ids=tuple(mine.values_list("pk", flat=True)), matching=matching)


def page_of(*, selection: Selection, page: int, limit: int, oldest_first: bool = False) -> Page[DeploymentRecord]:
    """By number: exact, and fast near both ends of the list."""
    total, start = selection.total(), (page - 1) * limit
    ids = ids_at(selection, start=start, limit=limit, total=total, oldest_first=oldest_first)
    return Page(items=in_order(ids), page=page, limit=limit, total=total)


def page_after(
    *, selection: Selection, after: Position, limit: int, oldest_first: bool = False
) -> Page[DeploymentRecord]:
    """What follows a deployment: as fast anywhere in the list."""
    ids = ids_after(
        selection,
        created_at=after.created_at,
        deployment_id=after.deployment_id,
        limit=limit,
        oldest_first=oldest_first,
    )
    return Page(items=in_order(ids), page=1, limit=limit, total=selection.total())


def in_order(ids: list[UUID]) -> tuple[DeploymentRecord, ...]:
    """These deployments, in this order."""
    found = {record.id: record for record in _records(ids)}
    return tuple(found[each] for each in ids if each in found)


def _records(ids: Collection[UUID]) -> list[DeploymentRecord]:
    """Whole, as long as all together are within MAX_LIST_BYTES; those beyond say that their files are left out."""
    light = _beyond_the_bound(ids)
    whole = rows().filter(pk__in=[each for each in ids if each not in light])
    found = [deployment_record(row) for row in whole]
    if light:
        rest = Deployment.objects.filter(pk__in=light).values(*LIGHT_COLUMNS)
        found += [deployment_record({**row, "config": {OMITTED: True}, "graph_version__graph": {}}) for row in rest]
    return found


def _beyond_the_bound(ids: Collection[UUID]) -> set[UUID]:
    """Which of these are too much after those before them. By their size on disk: nothing is unpacked for it."""
    measured = Deployment.objects.filter(pk__in=ids).values_list(
        "pk", _stored("config") + _stored("graph_version__graph")
    )
    sizes = dict(measured)
    total, beyond = 0, set()
    for each in ids:
        total += sizes.get(each, 0)
        if total > MAX_LIST_BYTES:
            beyond.add(each)
    return beyond


def _stored(column: str) -> Func:
    return Func(F(column), function="pg_column_size", output_field=IntegerField())


def current_of_project(*, project_id: UUID, recent: int) -> tuple[DeploymentRecord, ...]:
    """Unfinished ones (the oldest MAX_WAITING), the last success per target, and the newest `recent`; newest first."""
    mine = Deployment.objects.filter(project_id=project_id)
    unfinished = mine.filter(status__in=sorted(UNFINISHED)).order_by("created_at", "id")[:MAX_WAITING]
    newest = mine.order_by("-created_at", "-id")[:recent]
    ids = {
        *unfinished.values_list("pk", flat=True),
        *newest.values_list("pk", flat=True),
        *history.last_successes(project_id=project_id),
    }
    found = _records(ids)
    return tuple(sorted(found, key=lambda record: (record.created_at, record.id), reverse=True))


def newest(*, caller: Caller, statuses: Collection[Status] | None, limit: int) -> tuple[DeploymentRecord, ...]:
    """The newest deployments of the caller's projects, of these statuses when given. Counts nothing."""
    filters = [ANYTHING] if statuses is None else [DeploymentFilter(status=status) for status in statuses]
    ids = [each for matching in filters for each in top(selection_of(caller=caller, matching=matching), limit=limit)]
    found = sorted(in_order(ids), key=lambda record: (record.created_at, record.id), reverse=True)
    return tuple(found[:limit])


def rollbacks_of(*, deployment_id: UUID, limit: int) -> tuple[DeploymentRecord, ...]:
    """The rollbacks that were asked for to undo this deployment, newest first."""
    found = rows().filter(rollback_of=deployment_id).order_by("-created_at", "-id")[:limit]
    return tuple(deployment_record(row) for row in found)
