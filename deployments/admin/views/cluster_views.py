"""The page of a cluster: form or adopt its Swarm, let servers join, look after its nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from agents.models import Cluster
from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from deployments.admin.ownership import caller_in, or_404
from deployments.admin.page_responses import render_page, show_error
from deployments.data.cluster_types import NODE_ACTIONS, ChangeKind, ClusterView, Member, NodeLine
from deployments.errors import DeployError, Invalid, NotFound
from deployments.services.clusters import builders, cluster_requests, cluster_view
from deployments.services.fleet import machine_list
from deployments.services.registries import registries
from deployments.types import Caller

PAGE = "admin/agents/cluster.html"
CONFIRM = "admin/agents/confirm_node.html"
CHOSEN = lazy("Saved. It takes effect with the next deployment.")
ORDERED = lazy("The command was sent to the agents. Its outcome is shown below.")
# How a form tells one request from another.
NAMESPACE = UUID("6f8d1a0e-6a54-4c6a-9f0b-6f6f6d1c3f57")
ACTION_WORDS = {
    ChangeKind.DRAIN: lazy("Drain"),
    ChangeKind.ACTIVATE: lazy("Activate"),
    ChangeKind.PROMOTE: lazy("Promote"),
    ChangeKind.DEMOTE: lazy("Demote"),
    ChangeKind.LEAVE: lazy("Leave"),
    ChangeKind.REMOVE: lazy("Remove"),
}
CHANGE_WORDS = {
    **ACTION_WORDS,
    ChangeKind.FORM: lazy("Form a Swarm"),
    ChangeKind.ADOPT: lazy("Adopt a Swarm"),
    ChangeKind.JOIN: lazy("Join"),
    ChangeKind.ROTATE: lazy("Rotate tokens"),
}


def cluster_nodes_page(request: HttpRequest, cluster_id: UUID) -> HttpResponse:
    """Show the cluster's nodes and changes; by POST, ask for one. A node's action is confirmed on a page of its own."""
    caller = caller_in(request)
    view: ClusterView = or_404(cluster_view.view_cluster, caller=caller, cluster_id=cluster_id)
    if request.method == "POST":
        return _asked(request, caller, view)
    here = {each.server_id for each in view.nodes}
    servers = [each for each in machine_list.machines_of(caller).servers if each.id not in here]
    usable = [each for each in servers if each.cluster_id in (None, cluster_id) and each.owner_id == view.owner_id]
    return render_page(
        request,
        PAGE,
        title=gettext("Nodes of {view}").format(view=view.name),
        of=Cluster(pk=view.id, name=view.name),
        view=view,
        rows=[(line, [(each, ACTION_WORDS[each]) for each in _actions(line)]) for line in view.nodes],
        changes=[(each, CHANGE_WORDS[ChangeKind(each.kind)]) for each in view.changes],
        servers=usable,
        images=_images_of(caller, view),
        request_id=uuid4(),
        back=reverse("admin:agents_cluster_change", args=[cluster_id]),
    )


def _images_of(caller: Caller, view: ClusterView) -> dict[str, Any]:
    """Return where the cluster's images are built and go to, and what could be chosen instead."""
    chosen = registries.registry_of_cluster(caller=caller, cluster_id=view.id)
    known = [each for each in registries.list_registries(caller=caller) if each.project_id is None]
    return {
        "builder_id": view.builder_id,
        "builders": builders.servers_to_build(caller=caller, cluster_id=view.id),
        "registry_id": chosen.id if chosen else None,
        "registries": [each for each in known if registries.may_change(caller=caller, registry=each)],
        "default": registries.default_registry(),
    }


def _actions(line: NodeLine) -> tuple[ChangeKind, ...]:
    """Return what makes sense for the node as it is; whether it is possible is judged when it is asked for."""
    facts = line.facts
    return (
        ChangeKind.DRAIN if facts.availability == "active" else ChangeKind.ACTIVATE,
        ChangeKind.DEMOTE if facts.is_manager else ChangeKind.PROMOTE,
        ChangeKind.LEAVE if line.connected else ChangeKind.REMOVE,
    )


def _asked(request: HttpRequest, caller: Caller, view: ClusterView) -> HttpResponse:
    """Ask for what was posted, and lead back to the page; or to the question whether it is meant."""
    back = redirect("admin:agents_cluster_nodes", view.id)
    try:
        if request.POST.get("do") == "node" and not request.POST.get("confirmed"):
            return _confirmation(request, caller, view)
        do = request.POST.get("do", "")
        WISHES.get(do, _nothing)(request, caller, view.id)
        messages.success(request, CHOSEN if do == "images" else ORDERED)
    except DeployError as error:
        show_error(request, error)
    return back


def _confirmation(request: HttpRequest, caller: Caller, view: ClusterView) -> HttpResponse:
    action, node_id = _action_in(request), request.POST.get("node", "")[:64]
    follows = cluster_requests.consequences_of(caller=caller, cluster_id=view.id, node_id=node_id, action=action)
    node = next(line for line in view.nodes if line.facts.id == node_id)
    return render_page(
        request,
        CONFIRM,
        title=f"{ACTION_WORDS[action]} {node.facts.hostname}",
        of=Cluster(pk=view.id, name=view.name),
        view=view,
        node=node,
        action=str(action),
        words=ACTION_WORDS[action],
        consequences=follows,
        request_id=uuid4(),
        back=reverse("admin:agents_cluster_nodes", args=[view.id]),
    )


def _action_in(request: HttpRequest) -> ChangeKind:
    text = request.POST.get("action", "")
    if text not in {str(each) for each in NODE_ACTIONS}:
        raise Invalid(sentence("Choose what is to be done with the node."), details={"action": sentence("choose one")})
    return ChangeKind(text)


def _change_id(request: HttpRequest) -> UUID:
    """Return the id of a form: sent twice it is one wish."""
    return uuid5(NAMESPACE, request.POST.get("requestId", "") or str(uuid4()))


def _member_in(request: HttpRequest, server_id: str, *, first: bool = False) -> Member:
    try:
        found = UUID(server_id)
    except ValueError:
        raise NotFound(sentence("No such server."), details={"serverId": sentence("not found")}) from None
    role = request.POST.get(f"role-{found}") or request.POST.get("role", "")
    return Member(
        server_id=found, manager=first or role == "manager", address=request.POST.get(f"address-{found}", "").strip()
    )


def _form(request: HttpRequest, caller: Caller, cluster_id: UUID) -> None:
    """The first manager that was chosen makes the swarm."""
    chosen = [_member_in(request, each) for each in request.POST.getlist("server")]
    members = sorted(chosen, key=lambda each: not each.manager)
    cluster_requests.form_cluster(
        caller=caller, cluster_id=cluster_id, members=members, change_id=_change_id(request), at=timezone.now()
    )


def _join(request: HttpRequest, caller: Caller, cluster_id: UUID) -> None:
    for server_id in request.POST.getlist("server") or [""]:
        cluster_requests.join_cluster(
            caller=caller,
            cluster_id=cluster_id,
            member=_member_in(request, server_id),
            change_id=uuid5(_change_id(request), server_id),
            at=timezone.now(),
        )


def _adopt(request: HttpRequest, caller: Caller, cluster_id: UUID) -> None:
    member = _member_in(request, request.POST.get("server", ""))
    cluster_requests.adopt_swarm(
        caller=caller,
        cluster_id=cluster_id,
        server_id=member.server_id,
        change_id=_change_id(request),
        at=timezone.now(),
    )


def _rotate(request: HttpRequest, caller: Caller, cluster_id: UUID) -> None:
    cluster_requests.rotate_tokens(
        caller=caller, cluster_id=cluster_id, change_id=_change_id(request), at=timezone.now()
    )


def _node(request: HttpRequest, caller: Caller, cluster_id: UUID) -> None:
    cluster_requests.change_node(
        caller=caller,
        cluster_id=cluster_id,
        node_id=request.POST.get("node", "")[:64],
        action=_action_in(request),
        confirmed=True,
        change_id=_change_id(request),
        at=timezone.now(),
    )


def _images(request: HttpRequest, caller: Caller, cluster_id: UUID) -> None:
    builders.choose_builder(caller=caller, cluster_id=cluster_id, server_id=_id_in(request, "builder"))
    registries.choose_for_cluster(caller=caller, cluster_id=cluster_id, registry_id=_id_in(request, "registry"))


def _id_in(request: HttpRequest, field: str) -> UUID | None:
    """Return what was chosen; None for the first line of the list. Raises NotFound."""
    text = request.POST.get(field, "")
    try:
        return UUID(text) if text else None
    except ValueError:
        raise NotFound(sentence("No such choice."), details={field: sentence("not found")}) from None


def _nothing(_request: HttpRequest, _caller: Caller, _cluster_id: UUID) -> None:
    raise Invalid(sentence("Choose what is to be done."), details={"do": sentence("choose one")})


Wish = Callable[[HttpRequest, Caller, UUID], Any]
WISHES: dict[str, Wish] = {
    "form": _form,
    "join": _join,
    "adopt": _adopt,
    "rotate": _rotate,
    "node": _node,
    "images": _images,
}
