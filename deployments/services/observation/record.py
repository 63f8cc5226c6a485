"""Store what an agent sees of its host, stack by stack, and wake the pages where something changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from django.db import transaction

from agents.observation import ContainerSeen, HostObserved
from agents.services import directory
from deployments import live_updates
from deployments.observed import ObservedContainer
from deployments.repositories import clock, observed_stacks
from deployments.repositories.observed_stacks import StackRow


def record_observation(*, observation: HostObserved) -> None:
    """Store the newest picture of a host, in one transaction that holds the agent's row.

    Ignored when another session speaks for the agent by now. An agent is believed only about projects that were ever
    deployed to its server. A picture that says nothing new changes no row.
    """
    with transaction.atomic():
        server_id = directory.lock_session(agent_id=observation.agent_id, session_id=observation.session_id)
        if server_id is None:
            return
        heard_anew = observed_stacks.note_host(agent_id=observation.agent_id, session_id=observation.session_id)
        known = observed_stacks.on_server(server_id=server_id)
        seen = _by_project(observation.containers)
        ours = observed_stacks.deployed_there(server_id=server_id, project_ids=seen.keys())
        now_ms = int(clock.now().timestamp() * 1000)
        changed = [
            project_id
            for project_id in known.keys() | (seen.keys() & ours)
            if _store(project_id, server_id, seen.get(project_id, ()), known.get(project_id), now_ms)
        ]
        # What was unknown while nobody told it is known again, changed or not.
        woken = {*changed, *(known if heard_anew else ())}
        if woken:
            transaction.on_commit(lambda: live_updates.wake_projects(sorted(woken)))


def _by_project(containers: Sequence[ContainerSeen]) -> Mapping[UUID, list[ContainerSeen]]:
    found: dict[UUID, list[ContainerSeen]] = defaultdict(list)
    for container in containers:
        if container.project_id is not None:
            found[container.project_id].append(container)
    return found


def _store(
    project_id: UUID, server_id: UUID, seen: Sequence[ContainerSeen], known: StackRow | None, now_ms: int
) -> bool:
    """Store the stack if it differs from what is known of it; whether it does."""
    before = {} if known is None else {container.id: container for container in known.containers}
    containers = sorted(
        (_container(each, before=before.get(each.id), now_ms=now_ms) for each in seen), key=lambda each: each.id
    )
    if known is not None and tuple(containers) == known.containers:
        return False
    observed_stacks.store(
        project_id=project_id,
        server_id=server_id,
        containers=containers,
        changed=_changed(before.values(), containers, former={} if known is None else known.changed, now_ms=now_ms),
    )
    return True


def _container(seen: ContainerSeen, *, before: ObservedContainer | None, now_ms: int) -> ObservedContainer:
    container = ObservedContainer(
        id=seen.id,
        name=seen.name,
        service=seen.service_name,
        state=seen.state,
        health=seen.health,
        image=seen.image_id,
        exit_code=seen.exit_code,
        oom_killed=seen.oom_killed,
        restarts=seen.restarts,
        restarts_itself=seen.restarts_itself,
        since_ms=now_ms,
    )
    as_before = before is not None and replace(before, since_ms=now_ms) == container
    return before if before is not None and as_before else container


def _changed(
    before: Collection[ObservedContainer],
    after: Collection[ObservedContainer],
    *,
    former: Mapping[str, int],
    now_ms: int,
) -> dict[str, int]:
    """Since when each service is as it is: also one whose containers are all gone."""
    names = {container.service for container in (*before, *after)}
    return {
        **former,
        **{
            name: now_ms
            for name in names
            if {each for each in before if each.service == name} != {each for each in after if each.service == name}
        },
    }
