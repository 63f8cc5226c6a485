"""Judge stacks, a few at a time: store how each is, open and close its incidents, and tell of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from agents import gateway
from agents.isolation import isolation
from deployments import live_updates
from deployments.data.incident_types import Finding
from deployments.data.stack_event_types import NewStackEvent, StackEventType
from deployments.event_types import epoch_ms
from deployments.repositories import clock, projects
from deployments.repositories.observation import (
    incident_rows,
    last_ended,
    observed_stacks,
    proven_stacks,
    stack_drifts,
    stack_states,
)
from deployments.repositories.observation.stack_states import JudgedState, StackKey
from deployments.rules.conditions import StackCondition
from deployments.rules.incident_rules import Changed, Closed, Opened, Quieted, StackFacts, Step, judge
from deployments.rules.observed import ObservedContainer, ObservedState
from deployments.services.incidents import lines
from deployments.services.incidents.facts import facts_of
from deployments.services.notifications import announce
from deployments.services.observation import stacks
from deployments.services.observation.stacks import Look

# Projects that one round looks at because something changed, and because it is their turn.
MAX_CHANGED = 200
MAX_IN_TURN = 200
# Every so many rounds: what time alone changes is seen by then.
TURN_EVERY = 2
# Where nothing happens the walk only catches what nobody told, and goes on no sooner.
CALM_TURN_SECONDS = 40.0
# An agent that connects anew is not known for a moment; that is worth no word.
UNKNOWN_MS = 10_000
MAX_CONTAINERS = 20
STACKS = "states of stacks"


class StackWatch:
    """Walks over all projects, again and again; one per process. Several may run: each stack is judged under a lock."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turned_at = float("-inf")
        self._after: UUID | None = None
        self._rounds = 0
        self._unknown_since: dict[StackKey, int] = {}

    def step(self, *, at: datetime, calm: bool = False) -> int:
        """Judge the stacks that changed, and the next few in turn; return how many things it stored.

        The caller says `calm` when it knows that none changed, and that nothing has happened for a while.
        """
        chosen = set() if calm else set(stack_states.to_judge(limit=MAX_CHANGED))
        pause = CALM_TURN_SECONDS if calm else 0.0
        if self._rounds % TURN_EVERY == 0 and self._clock() - self._turned_at >= pause:
            chosen.update(self._next())
        self._rounds += 1
        return self.judge_projects(project_ids=chosen, at=at) if chosen else 0

    def _next(self) -> tuple[UUID, ...]:
        """Return the projects whose turn it is."""
        self._turned_at = self._clock()
        following = projects.ids_after(self._after, limit=MAX_IN_TURN)
        self._after = following[-1] if len(following) == MAX_IN_TURN else None
        return following

    def judge_projects(self, *, project_ids: Collection[UUID], at: datetime) -> int:
        """Judge the stacks of these projects; what fails on one holds up no other."""
        found = (*stacks.look_at(project_ids=project_ids), *stacks.look_at_unproven(project_ids=project_ids))
        looks = [look for look in found if not look.stack.removed]
        keys = [(look.stack.project_id, look.stack.server_id) for look in looks]
        known = stack_states.of_projects(project_ids=project_ids)
        opened = incident_rows.open_of(project_ids=project_ids)
        lasts = last_ended.of_stacks(stacks=keys) if keys else {}
        agent_ids = [look.agent.id for look in looks if look.agent]
        missing = gateway.missing_images(agent_ids=agent_ids)
        certificates = gateway.certificates_end(agent_ids=agent_ids)
        drifts = stack_drifts.compared(project_ids=project_ids)
        now_ms, moved, loop = epoch_ms(clock.now()), 0, isolation(STACKS)
        for key, look in zip(keys, looks, strict=True):
            name = f"{key[0]}@{key[1]}"
            if loop.rests(name) or self._is_brief(key, look, now_ms=now_ms):
                continue
            with loop.item(name):
                state = next_state(known.get(key), look, now_ms=now_ms)
                lacks = missing.get(look.agent.id) if look.agent else None
                facts = facts_of(
                    look,
                    since_ms=state.since_ms,
                    last=lasts.get(key),
                    missing_images=lacks,
                    drift=drifts.get(key),
                    certificate_ends=certificates.get(look.agent.id) if look.agent else None,
                )
                steps = judge(facts=facts, open_incidents=opened.get(key, ()), now_ms=now_ms)
                told = look.stack.proven and state != known.get(key)
                if steps or told:
                    moved += _settle(key, look, facts=facts, now_ms=now_ms, at=at)
        return moved

    def _is_brief(self, key: StackKey, look: Look, *, now_ms: int) -> bool:
        """Tell whether the stack became unknown only a moment ago: then it may be known again in the next."""
        if look.seen.state.condition is not StackCondition.UNKNOWN:
            self._unknown_since.pop(key, None)
            return False
        return now_ms - self._unknown_since.setdefault(key, now_ms) < UNKNOWN_MS


def next_state(before: JudgedState | None, look: Look, *, now_ms: int) -> JudgedState:
    """Return how the stack is, in the words of events; `since_ms` lasts as long as the condition does. Pure."""
    state = look.seen.state
    since_ms = state.since_ms or now_ms
    if before is not None:
        goes_on = before.condition == state.condition
        since_ms = before.since_ms if goes_on else max(since_ms, before.since_ms)
    return JudgedState(
        condition=str(state.condition),
        since_ms=min(since_ms, now_ms),
        message=state.message,
        services=service_shapes(state),
        number=look.number,
    )


def service_shapes(state: ObservedState) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {
            "serviceName": service.name,
            "state": str(service.condition),
            "running": service.running,
            "replicas": service.copies,
        }
        for service in state.services
    )


def _settle(key: StackKey, look: Look, *, facts: StackFacts, now_ms: int, at: datetime) -> int:
    """Judge once more under the stack's lock, and store what follows with its events; return how much that is.

    Nothing where the look is older than what is seen by now: another process may have judged that already.
    """
    project_id, server_id = key
    with transaction.atomic():
        before = stack_states.locked(project_id=project_id, server_id=server_id)
        if _is_outdated(look):
            return 0
        state = next_state(before, look, now_ms=now_ms)
        facts = replace(facts, since_ms=state.since_ms)
        opened = incident_rows.open_in(project_id=project_id, server_id=server_id)
        steps = judge(facts=facts, open_incidents=opened, now_ms=now_ms)
        if state == before and not steps:
            return 0
        stack_states.store(project_id=project_id, server_id=server_id, state=state)
        events = _changes(before, state, look)
        for step in steps:
            events += _take(step, key, look, at=at)
        stack_states.append(project_id=project_id, server_id=server_id, events=events, at=at)
        if events or steps:
            transaction.on_commit(lambda: live_updates.wake_projects([project_id]))
    return len(events) + len(steps)


def _is_outdated(look: Look) -> bool:
    """Tell whether something else was seen since, or a deployment began or ended."""
    key = (look.stack.project_id, look.stack.server_id)
    if (key in proven_stacks.busy(project_ids=[key[0]])) != look.busy:
        return True
    return look.stack.proven and observed_stacks.number_of(project_id=key[0], server_id=key[1]) != look.number


def _changes(before: JudgedState | None, state: JudgedState, look: Look) -> list[NewStackEvent]:
    """Return the event of another state; none where only words or numbers changed."""
    if before is not None and (before.condition, before.services) == (state.condition, state.services):
        return []
    if not look.stack.proven:
        return []
    payload = {
        "from": before.condition if before else "",
        "to": state.condition,
        "since": state.since_ms,
        "seenAt": epoch_ms(look.seen.seen_at),
        "message": state.message,
        "services": [dict(service) for service in state.services],
    }
    return [NewStackEvent(type=StackEventType.STATE_CHANGED, payload=payload)]


def _take(step: Step, key: StackKey, look: Look, *, at: datetime) -> list[NewStackEvent]:
    """Store one step and return its events. Inside a transaction that holds the stack's lock."""
    project_id, server_id = key
    if isinstance(step, Opened):
        incident_id = uuid4()
        incident_rows.open_one(
            incident_id=incident_id,
            project_id=project_id,
            server_id=server_id,
            finding=step.finding,
            containers=_containers(step.finding, look),
            deployment_id=look.stack.deployment_id if look.stack.proven else None,
            wants_lines=step.finding.cause in lines.WITH_LINES,
            at=at,
        )
        announce.announce_opened(incident=incident_rows.get(incident_id=incident_id), at=at)
        payload = incident_payload(incident_id, step.finding)
        return [NewStackEvent(type=StackEventType.INCIDENT_OPENED, payload=payload)]
    if isinstance(step, Changed):
        shapes = _containers(step.finding, look)
        changed = incident_rows.change(
            project_id=project_id, server_id=server_id, finding=step.finding, containers=shapes, at=at
        )
        if changed is not None:
            # Worse than it was, it may be something that others want to know.
            announce.announce_opened(incident=changed, at=at)
    if isinstance(step, Quieted):
        incident_rows.note_quiet(project_id=project_id, server_id=server_id, cause=step.cause, quiet_ms=step.quiet_ms)
    return _close(step, key, at=at) if isinstance(step, Closed) else []


def _close(step: Closed, key: StackKey, *, at: datetime) -> list[NewStackEvent]:
    closed = incident_rows.close(project_id=key[0], server_id=key[1], cause=step.cause, at=at)
    if closed is None:
        return []
    announce.announce_closed(incident=closed, at=at)
    payload = {
        "incidentId": str(closed.id),
        "cause": closed.cause,
        "severity": closed.severity,
        "message": closed.message,
        "services": list(closed.services),
        "since": closed.since_ms,
        "closedAt": epoch_ms(at),
    }
    return [NewStackEvent(type=StackEventType.INCIDENT_CLOSED, payload=payload)]


def incident_payload(incident_id: UUID, finding: Finding) -> dict[str, Any]:
    return {
        "incidentId": str(incident_id),
        "cause": str(finding.cause),
        "severity": str(finding.severity),
        "message": finding.message,
        "services": list(finding.services),
        "since": finding.since_ms,
    }


def _containers(finding: Finding, look: Look) -> list[dict[str, Any]]:
    """Return the containers that a finding is about, with the moments that Docker knows."""
    found = [each for each in look.containers if each.service in finding.services][:MAX_CONTAINERS]
    return [container_shape(each) for each in found]


def container_shape(container: ObservedContainer) -> dict[str, Any]:
    return {
        "name": container.name,
        "serviceName": container.service,
        "state": container.state,
        "health": container.health,
        "exitCode": container.exit_code,
        "oomKilled": container.oom_killed,
        "restarts": container.restarts,
        "startedAt": container.started_ms,
        "finishedAt": container.finished_ms,
    }
