"""Store what a manager's agent sees of the tasks in its Swarm, stack by stack, and wake the pages where it changed."""

from __future__ import annotations

from django.db import transaction

from agents.reports.swarm_seen import TasksTold
from agents.services import clusters, directory
from deployments import live_updates
from deployments.repositories import clock
from deployments.repositories.observation import observed_stacks
from deployments.services.observation import drift
from deployments.services.observation.record import Clocks, by_project, store_stack


def record_tasks(*, told: TasksTold) -> None:
    """Store the newest picture of a cluster, in one transaction that holds the agent's row and the cluster's.

    Ignored when another session speaks for the agent, or another manager's agent for the cluster, by now. Of projects
    that were never deployed there nothing is believed. A picture that says nothing new changes no row.
    """
    cluster = clusters.cluster_of_swarm(swarm_id=told.swarm_id)
    if cluster is None:
        return
    with transaction.atomic():
        speaking = directory.lock_session(agent_id=told.agent_id, session_id=told.session_id)
        if speaking is None:
            return
        speaker = clusters.speaker_of(cluster_id=cluster.id)
        if speaker is None or speaker.agent_id != told.agent_id:
            return
        heard_anew = observed_stacks.note_swarm(
            cluster_id=cluster.id, session_id=told.session_id, left_out=told.left_out
        )
        known = observed_stacks.on_server(server_id=cluster.id)
        seen = by_project(told.tasks)
        ours = observed_stacks.deployed_there(server_id=cluster.id, project_ids=seen.keys())
        clocks = Clocks(
            now_ms=int(clock.now().timestamp() * 1000),
            skew_ms=speaking.skew_ms,
        )
        changed = [
            project_id
            for project_id in known.keys() | (seen.keys() & ours)
            if store_stack(project_id, cluster.id, seen.get(project_id, ()), known.get(project_id), clocks)
        ]
        for project_id in changed:
            drift.compare_stack(project_id=project_id, server_id=cluster.id)
        woken = {*changed, *(known if heard_anew else ())}
        if woken:
            transaction.on_commit(lambda: live_updates.wake_projects(sorted(woken)))
