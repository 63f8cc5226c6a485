"""A server at a glance: its agent, its machine, how it was installed, and what can be done with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.admin.hints import SHARED_NAME, certificate_sentence, certificate_trouble, shares_name
from agents.condition import skew_sentence
from agents.errors import AgentNotFound
from agents.models import Agent, Server
from agents.services import authority, directory, updates
from agents.states import CommandKind, CommandStatus, Presence
from agents.types import AgentData
from deployments.admin import badges
from deployments.admin.ownership import caller_in, or_404
from deployments.admin.page_responses import render_page, show_error, unknown_action
from deployments.errors import DeployError
from deployments.services.fleet import agent_updates, machine_changes, machine_list
from deployments.services.installations import installation_requests
from deployments.services.queries import server_view
from deployments.services.queries.server_view import CommandHere
from deployments.types import Caller

PAGE = "admin/agents/server.html"
MAX_SHOWN = 5
MAX_COMMANDS = 10
MAX_RUNNING = 20
GIB = 1024**3


def overview_page(request: HttpRequest, server_id: UUID) -> HttpResponse:
    """Show the server at a glance; by POST label or drain it, end that, or update its agent."""
    caller = caller_in(request)
    server = or_404(machine_list.get_server, caller=caller, server_id=server_id)
    if request.method == "POST":
        _act(request, caller, server_id)
        return redirect("admin:agents_server_overview", server_id)
    try:
        agent = directory.agent_for_server(server_id=server_id)
    except AgentNotFound:
        agent = None
    running = server_view.running_on(caller=caller, server_id=server_id, limit=MAX_RUNNING)
    certificate = None if agent is None else authority.certificate_of(agent_id=agent.id)
    locked_out = certificate_trouble(certificate, now=timezone.now())
    told = server_view.commands_on(caller=caller, server_id=server_id, limit=MAX_COMMANDS)
    return render_page(
        request,
        PAGE,
        title=server.name,
        of=Server(pk=server.id, name=server.name),
        server=server,
        presence=badges.PRESENCE[server.presence],
        troubles=_troubles(agent),
        locked_out=locked_out,
        shared_name=SHARED_NAME.format(host=server.host) if shares_name(server.host, request=request) else "",
        agent=agent,
        machine=_machine(agent),
        too_old=agent is not None and agent.too_old,
        update=None if agent is None else agent_updates.check_update(caller=caller, agent_id=agent.id),
        certificate=certificate_sentence(certificate, now=timezone.now()),
        running=[(each, badges.SEEN[each.seen.state.condition] if each.seen else None) for each in running],
        commands=[(each, badges.COMMAND_KIND.get(CommandKind(each.command.kind)), _outcome(each)) for each in told],
        installations=installation_requests.list_installations(caller=caller, server_id=server_id)[:MAX_SHOWN],
        updates=updates.updates_of_server(server_id=server_id, limit=MAX_SHOWN),
    )


def _outcome(told: CommandHere) -> badges.Badge:
    """Return how far the command is; of one that is finished what came of it, where the caller may see that."""
    status = CommandStatus(told.command.status)
    if status is CommandStatus.FINISHED and told.deployment is not None:
        return badges.deployment_badge(told.deployment)
    return badges.COMMAND[status]


def _troubles(agent: AgentData | None) -> list[str]:
    """Return what a person must look at; of an agent that is away only what is stored: its last words are no news."""
    if agent is None:
        return []
    found = [Agent.objects.filter(pk=agent.id).values_list("trouble", flat=True).first() or ""]
    if agent.presence is Presence.ONLINE:
        found.append(skew_sentence(agent.clock_skew_ms))
        found += agent.condition.troubles if agent.condition is not None else ()
    return [each for each in found if each]


def _machine(agent: AgentData | None) -> list[tuple[str, str]]:
    """Return what is known of the machine, in words; what nobody told is left out."""
    if agent is None:
        return []
    info, condition = agent.info.server_info, agent.condition
    facts: list[tuple[str, Any]] = [
        (_("System"), agent.info.os),
        (_("Architecture"), agent.info.architecture),
        (_("Docker"), info.get("docker_version")),
        (_("Processors"), info.get("cpu_cores")),
        (_("Processor used"), f"{agent.health.cpu_usage:.0f} %" if agent.health.cpu_usage else ""),
        (_("Memory"), _used(agent.health.memory_usage, int(info.get("total_memory") or 0))),
    ]
    if condition is not None and condition.disk_total:
        facts.append((_("Disk"), _used(condition.disk_total - condition.disk_free, condition.disk_total)))
    return [(name, str(value)) for name, value in facts if value]


def _used(used: int, total: int) -> str:
    if not total:
        return ""
    return _("%(used).1f of %(total).1f GiB used") % {"used": used / GIB, "total": total / GIB}


def _act(request: HttpRequest, caller: Caller, server_id: UUID) -> None:
    try:
        wish = request.POST.get("do")
        if wish in {"drain", "end_drain"}:
            changes: dict[str, Any] = {"drained": wish == "drain"}
            machine_changes.change_server(caller=caller, server_id=server_id, changes=changes)
            messages.success(
                request,
                _("The server takes no new deployments. What runs there keeps running.")
                if wish == "drain"
                else _("The server accepts deployments again."),
            )
        elif wish == "labels":
            changes = {"labels": request.POST.get("labels", "").replace(",", " ").split()}
            machine_changes.change_server(caller=caller, server_id=server_id, changes=changes)
            messages.success(request, _("The labels of the server were changed."))
        elif wish == "update":
            agent_updates.request_updates(caller=caller, server_ids=[server_id], rollout_id=uuid4())
            messages.success(request, _("The agent was told to update itself."))
        else:
            raise unknown_action()
    except DeployError as error:
        show_error(request, error)
