"""Store what an agent sees of its host, stack by stack, and wake the pages where something changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction

from agents.reports.observation import ContainerSeen, HostObserved
from agents.services import directory
from deployments import live_updates
from deployments.repositories import clock
from deployments.repositories.observation import memory_kills, observed_stacks, samples
from deployments.repositories.observation.observed_stacks import StackRow
from deployments.rules.observed import ObservedContainer
from deployments.services.observation import drift

# Two readings of one moment by two clocks: that of Hello is exact to about this.
SAME_MOMENT_MS = 5_000


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """The control plane's clock, and by how much the host's is ahead of it."""

    now_ms: int
    skew_ms: int

    def ours(self, host_ms: int) -> int:
        """Return a moment of the host by the control plane's clock; 0 stays never."""
        return max(1, host_ms - self.skew_ms) if host_ms else 0

    def agree(self, one: ObservedContainer, other: ObservedContainer) -> bool:
        """Tell whether both started and ended at the same moments, as exactly as the skew was measured."""
        apart = (one.started_ms - other.started_ms, one.finished_ms - other.finished_ms)
        return all(abs(milliseconds) < SAME_MOMENT_MS for milliseconds in apart)


def record_observation(*, observation: HostObserved) -> None:
    """Store the newest picture of a host, in one transaction that holds the agent's row.

    Ignored when another session speaks for the agent by now. An agent is believed only about projects that were ever
    deployed to its server. A picture that says nothing new changes no row.
    """
    with transaction.atomic(), clock.asked_once():
        speaking = directory.lock_session(agent_id=observation.agent_id, session_id=observation.session_id)
        if speaking is None:
            return
        server_id = speaking.server_id
        heard_anew = observed_stacks.note_host(agent_id=observation.agent_id, session_id=observation.session_id)
        known = observed_stacks.on_server(server_id=server_id)
        seen = by_project(observation.containers)
        ours = observed_stacks.deployed_there(server_id=server_id, project_ids=seen.keys())
        clocks = Clocks(now_ms=int(clock.now().timestamp() * 1000), skew_ms=speaking.skew_ms)
        changed = [
            project_id
            for project_id in known.keys() | (seen.keys() & ours)
            if store_stack(project_id, server_id, seen.get(project_id, ()), known.get(project_id), clocks)
        ]
        _note_memory_kills(server_id, seen, among=known.keys() | ours, clocks=clocks)
        for project_id in changed:
            drift.compare_stack(project_id=project_id, server_id=server_id)
        # What was unknown while nobody told it is known again, changed or not.
        woken = {*changed, *(known if heard_anew else ())}
        if woken:
            transaction.on_commit(lambda: live_updates.wake_projects(sorted(woken)))


def _note_memory_kills(
    server_id: UUID, seen: Mapping[UUID, list[ContainerSeen]], *, among: Collection[UUID], clocks: Clocks
) -> None:
    """Store when containers were killed for lack of memory, of what charts still show."""
    oldest = clocks.now_ms - int(samples.MINUTES.keep.total_seconds() * 1000)
    kills = [
        memory_kills.Kill(
            project_id=project_id,
            container_id=each.id,
            host_ms=each.memory_kill_at_ms,
            service=each.service_name,
            container=each.name,
            at=datetime.fromtimestamp(min(at_ms, clocks.now_ms) / 1000, tz=UTC),
        )
        for project_id in seen.keys() & among
        for each in seen[project_id]
        if (at_ms := clocks.ours(each.memory_kill_at_ms)) > oldest
    ]
    if kills:
        memory_kills.store(server_id=server_id, kills=kills)


def by_project(containers: Sequence[ContainerSeen]) -> Mapping[UUID, list[ContainerSeen]]:
    found: dict[UUID, list[ContainerSeen]] = defaultdict(list)
    for container in containers:
        if container.project_id is not None:
            found[container.project_id].append(container)
    return found


def store_stack(
    project_id: UUID, server_id: UUID, seen: Sequence[ContainerSeen], known: StackRow | None, clocks: Clocks
) -> bool:
    """Store the stack if it differs from what is known of it; whether it does. On a cluster it is `server_id`."""
    before = {} if known is None else {container.id: container for container in known.containers}
    containers = sorted(
        (_container(each, before=before.get(each.id), clocks=clocks) for each in seen), key=lambda each: each.id
    )
    if known is not None and tuple(containers) == known.containers:
        return False
    observed_stacks.store(
        project_id=project_id,
        server_id=server_id,
        containers=containers,
        changed=_changed(
            before.values(), containers, former={} if known is None else known.changed, now_ms=clocks.now_ms
        ),
    )
    return True


def _container(seen: ContainerSeen, *, before: ObservedContainer | None, clocks: Clocks) -> ObservedContainer:
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
        since_ms=0 if before is None else before.since_ms,
        started_ms=clocks.ours(seen.started_at_ms),
        finished_ms=clocks.ours(seen.finished_at_ms),
        stack=seen.stack_name,
        settings=tuple(sorted(seen.settings.items())),
        shown=tuple(sorted(seen.shown.items())),
        host=seen.host,
        error=seen.error,
    )
    if before is not None and _timeless(before) == _timeless(container) and clocks.agree(before, container):
        return before
    return replace(container, since_ms=_since(container, before=before, now_ms=clocks.now_ms))


def _timeless(container: ObservedContainer) -> ObservedContainer:
    return replace(container, started_ms=0, finished_ms=0)


def _since(container: ObservedContainer, *, before: ObservedContainer | None, now_ms: int) -> int:
    """Return since when the container is as it is: as Docker knows it where it does, else as of now."""
    if before is not None and _same_run(before, container):
        # What changed has no time of Docker's: its health, its name. An earlier version stored no times at all.
        return before.since_ms if _timeless(before) == _timeless(container) else now_ms
    moment = {"running": container.started_ms, "exited": container.finished_ms, "dead": container.finished_ms}
    known = 0 if container.health == "unhealthy" else moment.get(container.state, 0)
    return known if 0 < known <= now_ms else now_ms


def _same_run(before: ObservedContainer, container: ObservedContainer) -> bool:
    if (before.state, before.restarts) != (container.state, container.restarts):
        return False
    return not before.started_ms or abs(before.started_ms - container.started_ms) < SAME_MOMENT_MS


def _changed(
    before: Collection[ObservedContainer],
    after: Collection[ObservedContainer],
    *,
    former: Mapping[str, int],
    now_ms: int,
) -> dict[str, int]:
    """Return since when each service is as it is: also one whose containers are all gone, as of now."""
    changed = dict(former)
    for name in {container.service for container in (*before, *after)}:
        was = {each for each in before if each.service == name}
        now = {each for each in after if each.service == name}
        if was != now:
            gone = {each.id for each in was} - {each.id for each in now}
            changed[name] = now_ms if gone else max(each.since_ms for each in now - was)
    return changed
