"""In which ways a server or cluster can go now, and what follows from each: said before anybody wants it."""

from __future__ import annotations

from uuid import UUID

from agents.errors import AgentNotFound
from agents.services import clusters, directory
from agents.states import Presence
from deployments.data.end_types import EndOption, MachineEnd
from deployments.repositories import projects
from deployments.repositories.ends import machine_deletions, observed_volumes
from deployments.repositories.installations import server_access_rows
from deployments.rules import swarm_rules
from deployments.services.clusters import cluster_view
from deployments.services.ends import what_runs
from deployments.services.fleet import machine_changes, machine_list
from deployments.services.permissions import access
from deployments.types import Caller, Target, TargetKind

WAYS = {
    TargetKind.SERVER: (MachineEnd.DRAIN, MachineEnd.UNINSTALL, MachineEnd.FORGET),
    TargetKind.CLUSTER: (MachineEnd.DISSOLVE, MachineEnd.FORGET),
}
MAX_NAMED = 10


def options_of(*, caller: Caller, target: Target) -> tuple[EndOption, ...]:
    """Return the ways in which the machine can go, each with what follows. Raises NotFound, also for strangers."""
    name = name_of(caller=caller, target=target)
    running = running_on(target)
    return tuple(
        EndOption(
            end=end,
            why_not=why_not(target=target, end=end),
            follows=(*_of_projects(running, end=end), *_of_machine(target, name=name, end=end)),
        )
        for end in WAYS[target.kind]
    )


def name_of(*, caller: Caller, target: Target) -> str:
    """Return the machine's name to its owner. Raises NotFound, also for strangers."""
    if target.kind is TargetKind.SERVER:
        return machine_list.get_server(caller=caller, server_id=target.id).name
    return machine_changes.get_cluster(caller=caller, cluster_id=target.id).name


def running_on(target: Target) -> tuple[UUID, ...]:
    """Return the projects of which something may run there."""
    started = machine_deletions.projects_started_on(target_id=target.id)
    return tuple(each for each in started if what_runs.may_run(project_id=each, target_id=target.id))


def why_not(*, target: Target, end: MachineEnd) -> str:
    """Return why the machine cannot go in this way now, for people; empty when it can."""
    if target.kind is TargetKind.CLUSTER:
        if why := machine_changes.why_cluster_stays(cluster_id=target.id):
            return why
        return _why_not_dissolved(target.id) if end is MachineEnd.DISSOLVE else ""
    if why := machine_changes.what_is_underway(server_id=target.id):
        return why
    if end is MachineEnd.FORGET:
        return ""
    if why := _why_in_swarm(target.id) or _why_not_stopped(target):
        return why
    access_kept = server_access_rows.get(server_id=target.id)
    if end is MachineEnd.UNINSTALL and (access_kept is None or not access_kept.has_login):
        return "No login is kept for this server. Uninstall its agent on the page Install over SSH first, or drain it."
    return ""


def _why_not_stopped(target: Target) -> str:
    """Return why nobody could stop what runs on a server; empty where nothing does."""
    if not running_on(target):
        return ""
    server = directory.get_server(server_id=target.id)
    if server.presence is Presence.PENDING:
        return f"{server.name} has no agent that could stop what runs there."
    if server.presence is Presence.LOST:
        return f"The agent of {server.name} is not connected, so nothing there can be stopped."
    return ""


def _why_in_swarm(server_id: UUID) -> str:
    server = directory.get_server(server_id=server_id)
    if server.cluster_id is None or clusters.why_not_in_swarm(server_id=server_id, cluster_id=server.cluster_id):
        return ""
    cluster = directory.get_cluster(cluster_id=server.cluster_id).name
    return f"{server.name} is a node of {cluster}: have it leave on the cluster's page Nodes first."


def _why_not_dissolved(cluster_id: UUID) -> str:
    if directory.get_cluster(cluster_id=cluster_id).swarm_id is None:
        return ""
    if why := clusters.why_no_manager(cluster_id=cluster_id):
        return why
    nodes, _ = clusters.nodes_of(cluster_id=cluster_id)
    lines = cluster_view.node_lines(nodes=nodes, members=directory.servers_of_cluster(cluster_id=cluster_id))
    away = [line.facts.hostname for line in lines if not line.connected]
    if not away:
        return ""
    return f"No agent is connected on {_listed(away)}, which cannot be told to leave. Remove such nodes first."


def _of_projects(running: tuple[UUID, ...], *, end: MachineEnd) -> list[str]:
    if not running:
        return ["Nothing runs there, as far as is known."]
    names = []
    for project_id in running:
        project = projects.get(project_id=project_id)
        names.append(f"{project.name} of {access.name_of(project.owner_id)}")
    if end is MachineEnd.FORGET:
        return [
            f"{_listed(names)} {'keeps' if len(names) == 1 else 'keep'} running, and can no longer be stopped, watched"
            " or rolled back from here."
        ]
    return [f"{_listed(names)} {'is' if len(names) == 1 else 'are'} stopped first; volumes stay on their machines."]


def _of_machine(target: Target, *, name: str, end: MachineEnd) -> list[str]:
    if target.kind is TargetKind.CLUSTER:
        return _of_cluster(target.id, end=end)
    return [*_of_volumes(target.id), *_of_agent(target.id, name=name, end=end), *_of_membership(target.id)]


def _of_volumes(server_id: UUID) -> list[str]:
    names = [each.name for row in observed_volumes.on_servers(server_ids=[server_id]) for each in row.volumes]
    if not names:
        return []
    return [f"These volumes stay on its disk and can no longer be deleted from here: {_listed(names)}."]


def _of_agent(server_id: UUID, *, name: str, end: MachineEnd) -> list[str]:
    if end is MachineEnd.UNINSTALL:
        kept = server_access_rows.get(server_id=server_id)
        where = f" as {kept.address.username}@{kept.address.host}" if kept else ""
        return [f"The agent and its data are removed from the machine by SSH{where}."]
    try:
        directory.agent_for_server(server_id=server_id)
    except AgentNotFound:
        return []
    said = [f"The agent's credential ends: its program stays on the machine and is told that {name} was deleted."]
    if end is MachineEnd.FORGET:
        said.append("Until it is uninstalled there, it keeps running the scheduled jobs.")
    return said


def _of_membership(server_id: UUID) -> list[str]:
    """Say what the cluster loses with a server that is forgotten as a node."""
    server = directory.get_server(server_id=server_id)
    if server.cluster_id is None or clusters.why_not_in_swarm(server_id=server_id, cluster_id=server.cluster_id):
        return []
    cluster = directory.get_cluster(cluster_id=server.cluster_id)
    said = [f"Its engine stays a node of {cluster.name}; nobody here can tell it to leave any more."]
    managers = [each.server_id for each in clusters.manager_agents(cluster_id=cluster.id)]
    if managers == [server_id]:
        said.append(f"No other server of {cluster.name} has an agent on a manager: nothing can be deployed to it then.")
    return said


def _of_cluster(cluster_id: UUID, *, end: MachineEnd) -> list[str]:
    cluster = directory.get_cluster(cluster_id=cluster_id)
    said = ["Its servers stay, each on its own."]
    if cluster.swarm_id is None:
        return said
    nodes, _ = clusters.nodes_of(cluster_id=cluster_id)
    managers = len(swarm_rules.managers_of(nodes))
    if end is MachineEnd.DISSOLVE:
        said.append("Its nodes leave one after the other, workers first, and the Swarm ends with the last manager.")
        if managers > 1:
            said.append("While the managers leave fewer of them may fail; with two left none may.")
        return said
    return [*said, f"Its Swarm of {len(nodes)} nodes, {managers} of them managers, runs on. It can be adopted again."]


def _listed(names: list[str]) -> str:
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
