"""The history of a project: its versions, which can be brought back, and what lies between two of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from deployments.admin import badges, plan_summary
from deployments.admin.ownership import or_404, require_project_viewer
from deployments.admin.page_data import may
from deployments.admin.page_responses import render_page, show_error
from deployments.data.list_types import Page
from deployments.errors import DeployError, NotFound
from deployments.models import Project
from deployments.repositories import history as history_rows
from deployments.services.fleet import machine_list
from deployments.services.permissions import access
from deployments.services.queries import history_view as history
from deployments.states import Kind
from deployments.types import Caller, HistoryEntry, Right, Target

PER_PAGE = 20
PAGE = "admin/deployments/project/history.html"
DIFF = "admin/deployments/project/diff.html"


@dataclass(frozen=True, kw_only=True)
class HistoryRow:
    """An entry as the page lists it. `undo`: the deployment that a rollback to this entry would undo."""

    entry: HistoryEntry
    kind: str
    target_name: str
    current: bool
    undo: UUID | None
    before: UUID | None
    # Whether a later deployment failed and left something else.
    doubted: bool = False

    @property
    def state(self) -> badges.Badge:
        if self.current:
            return badges.LAST_PROVEN if self.doubted else badges.CURRENT
        if self.entry.rolled_back:
            return badges.UNDONE
        return badges.RESTORABLE if self.entry.restorable else badges.NOT_RESTORABLE


def history_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show a page of versions; `?target=` narrows it, `?from=` chooses the first of two to compare."""
    caller = require_project_viewer(request, object_id)
    target_id, number = identifier_in(request, "target"), page_number(request)
    listed = history.list_history(caller=caller, project_id=object_id, target_id=target_id, page=number, limit=PER_PAGE)
    project = or_404(access.project_for, caller=caller, project_id=object_id, right=Right.SEE)
    may_deploy = may(caller=caller, project_id=object_id, right=Right.DEPLOY)
    current = {entry.target: entry for entry in history_rows.running_by_target(project_id=object_id)}
    doubted = {target for target, entry in current.items() if history_rows.failed_since(entry)}
    names = machine_list.target_names(current)
    return render_page(
        request,
        PAGE,
        title=gettext("History of {project}").format(project=project.name),
        of=Project(pk=object_id, name=project.name),
        project=project,
        rows=rows_of(listed, current=current, doubted=doubted, names=names, may_deploy=may_deploy),
        page=listed,
        chosen=entry_to_compare(request, caller),
        targets=sorted(((target.id, names[target.id]) for target in current), key=lambda each: each[1]),
        target_id=target_id,
        links=page_links(request, listed),
    )


def rows_of(
    page: Page[HistoryEntry],
    *,
    current: Mapping[Target, HistoryEntry],
    doubted: Collection[Target],
    names: Mapping[UUID, str],
    may_deploy: bool,
) -> list[HistoryRow]:
    """Return each entry with what can be done with it, given the `current` one of its target."""
    older: dict[UUID, UUID] = {}
    rows: list[HistoryRow] = []
    for entry in reversed(page.items):
        newest = current[entry.target]
        is_newest = newest.id == entry.id
        can_return = may_deploy and entry.restorable and not is_newest
        row = HistoryRow(
            entry=entry,
            kind=badges.KIND[entry.kind],
            target_name=names[entry.target.id],
            current=is_newest and entry.kind != Kind.STOP,
            undo=newest.deployment_id if can_return else None,
            before=older.get(entry.target.id),
            doubted=entry.target in doubted,
        )
        rows.append(row)
        older[entry.target.id] = entry.id
    return rows[::-1]


def entry_to_compare(request: HttpRequest, caller: Caller) -> HistoryEntry | None:
    """Return the version chosen to compare others with, if there is one to be seen."""
    history_id = identifier_in(request, "from")
    try:
        return history.get_entry(caller=caller, history_id=history_id) if history_id else None
    except NotFound:
        return None


def diff_view(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Show what a deployment of the newer of two versions does where the older one runs."""
    caller = require_project_viewer(request, object_id)
    ids = [identifier_in(request, name) for name in ("one", "other")]
    entries = [or_404(history.get_entry, caller=caller, history_id=each) for each in ids if each]
    if len(entries) != len(ids) or any(entry.project_id != object_id for entry in entries):
        raise Http404(gettext("No such history entry."))
    older, newer = sorted(entries, key=lambda entry: (entry.created_at, entry.number))
    try:
        diff = history.diff_history(caller=caller, older_id=older.id, newer_id=newer.id)
    except DeployError as error:
        show_error(request, error)
        return redirect("admin:deployments_project_history", object_id)
    project = access.project_for(caller=caller, project_id=object_id, right=Right.SEE)
    names = machine_list.target_names(entry.target for entry in entries)
    return render_page(
        request,
        DIFF,
        title=gettext("{version} and {version2} of {project}").format(
            version=older.version, version2=newer.version, project=project.name
        ),
        of=Project(pk=object_id, name=project.name),
        older=older,
        newer=newer,
        names=[names[older.target.id], names[newer.target.id]],
        diff=diff,
        project=project,
        plan=plan_summary.summarize_plan(diff.changes, text=diff.text, nothing=gettext("No differences.")),
    )


def page_links(request: HttpRequest, page: Page[HistoryEntry]) -> dict[str, str]:
    """Return the addresses of the neighbouring pages, with what was chosen kept."""
    here = {name: request.GET[name] for name in ("target", "from") if request.GET.get(name)}
    ahead = {"newer": page.page - 1, "older": page.page + 1}
    return {
        name: f"?{urlencode({**here, 'page': number})}"
        for name, number in ahead.items()
        if 1 <= number <= page.total_pages
    }


def identifier_in(request: HttpRequest, name: str) -> UUID | None:
    """Return an id in the query; None for none or nonsense."""
    try:
        return UUID(request.GET.get(name, ""))
    except ValueError:
        return None


def page_number(request: HttpRequest) -> int:
    """Return the number of the page, from 1; the first for nonsense."""
    text = request.GET.get("page", "")
    return max(1, int(text)) if text.isdecimal() and len(text) < 8 else 1
