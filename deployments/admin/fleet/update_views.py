"""The page Updates: which agents are behind, and how rollouts go."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from agents.models import Server
from agents.wording.sentences import sentence
from deployments.admin.ownership import caller_in
from deployments.admin.page_responses import render_page, show_error, unknown_action
from deployments.errors import DeployError, NotFound
from deployments.services.fleet import agent_updates
from deployments.types import Caller

PAGE = "admin/agents/updates.html"
MAX_BEHIND = 200


def updates_view(request: HttpRequest) -> HttpResponse:
    """Show agents that are behind and the newest rollouts; by POST begin one, or cancel one."""
    caller = caller_in(request)
    if request.method == "POST":
        _act(request, caller)
        return redirect("admin:agents_server_updates")
    behind = agent_updates.list_behind(caller=caller)
    return render_page(
        request,
        PAGE,
        title=_("Agent updates"),
        of=Server(),
        # It is about no single server that the head of the page could lead back to.
        original=None,
        latest=agent_updates.latest_version(),
        behind=behind[:MAX_BEHIND],
        behind_count=len(behind),
        rollouts=agent_updates.list_rollouts(caller=caller),
    )


def _act(request: HttpRequest, caller: Caller) -> None:
    try:
        if request.POST.get("do") == "cancel":
            agent_updates.cancel_rollout(caller=caller, rollout_id=UUID(request.POST.get("rollout", "")))
            messages.success(request, _("No further agent starts updating. Those that have started finish."))
            return
        if request.POST.get("do") != "update":
            raise unknown_action()
        chosen = [UUID(each) for each in request.POST.getlist("server")] or None
        agent_updates.request_updates(caller=caller, server_ids=chosen, rollout_id=uuid4())
        messages.success(request, _("The update has begun: one agent first, then a tenth, then all others."))
    except ValueError:
        show_error(request, NotFound(sentence("No such server.")))
    except DeployError as error:
        show_error(request, error)
