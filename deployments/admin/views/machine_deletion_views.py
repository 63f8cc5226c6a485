"""The end of a server or cluster: the ways and what follows from each, begun by typing its name, and how far it is."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from agents.models import Cluster, Server
from agents.wording.sentences import sentence
from deployments.admin.ownership import caller_in, or_404
from deployments.admin.page_responses import render_page, show_error, unknown_action
from deployments.data.end_types import DeletionState, MachineDeletionRecord, MachineEnd
from deployments.errors import DeployError, Invalid
from deployments.services.ends import machine_deletion, machine_ends
from deployments.types import Caller, Target, TargetKind

PAGE = "admin/agents/deletion.html"


def server_deletion_page(request: HttpRequest, server_id: UUID) -> HttpResponse:
    return _page(request, Target(kind=TargetKind.SERVER, id=server_id))


def cluster_deletion_page(request: HttpRequest, cluster_id: UUID) -> HttpResponse:
    return _page(request, Target(kind=TargetKind.CLUSTER, id=cluster_id))


def _page(request: HttpRequest, target: Target) -> HttpResponse:
    """Say what follows, or how far it is; begin, continue or cancel by POST. Also there when the machine is gone."""
    caller = caller_in(request)
    found: MachineDeletionRecord | None = or_404(machine_deletion.deletion_of, caller=caller, machine_id=target.id)
    gone = found is not None and found.state is DeletionState.DELETED
    if request.method == "POST" and not gone:
        return _act(request, caller, target)
    name = found.name if found and gone else or_404(machine_ends.name_of, caller=caller, target=target)
    model: type[Model] = Server if target.kind is TargetKind.SERVER else Cluster
    options = () if gone else machine_ends.options_of(caller=caller, target=target)
    return render_page(
        request,
        PAGE,
        title=_("%(name)s is deleted") % {"name": name} if gone else _("Delete %(name)s?") % {"name": name},
        of=model(pk=target.id, name=name),
        name=name,
        kind=target.kind,
        deletion=found,
        options=options,
        chosen=next((each.end for each in options if not each.why_not), None),
        back=_list_of(target) if gone else reverse(f"admin:agents_{target.kind}_change", args=[target.id]),
    )


def _act(request: HttpRequest, caller: Caller, target: Target) -> HttpResponse:
    here = redirect(f"admin:agents_{target.kind}_deletion", target.id)
    try:
        if request.POST.get("do") == "cancel":
            machine_deletion.cancel_deletion(caller=caller, target=target)
            messages.success(request, _("It is not deleted. What was stopped or removed stays that way."))
            return redirect(f"admin:agents_{target.kind}_change", target.id)
        if request.POST.get("do"):
            raise unknown_action()
        made = machine_deletion.delete_machine(
            caller=caller,
            target=target,
            typed_name=request.POST.get("typed", "").strip(),
            end=_end_in(request),
        )
    except DeployError as error:
        show_error(request, error)
        return here
    if made.state is DeletionState.DELETED:
        messages.success(request, _("%(name)s was deleted.") % {"name": made.name})
        return redirect(_list_of(target))
    messages.success(request, _("%(name)s is being deleted.") % {"name": made.name})
    return here


def _list_of(target: Target) -> str:
    return reverse(f"admin:agents_{target.kind}_changelist")


def _end_in(request: HttpRequest) -> MachineEnd:
    try:
        return MachineEnd(request.POST.get("end", ""))
    except ValueError:
        raise Invalid(
            _("Choose what happens to what is running there."), details={"end": sentence("required")}
        ) from None
