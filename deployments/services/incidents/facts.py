"""What the rules of incidents need to know of a stack, gathered from what is stored."""

from __future__ import annotations

from datetime import datetime

from agents.condition import AgentCondition
from agents.states import Presence
from agents.types import AgentData
from deployments.event_types import epoch_ms
from deployments.repositories.observation.last_ended import LastEnded
from deployments.repositories.observation.stack_drifts import DriftRow
from deployments.rules.drift import Aspect
from deployments.rules.incident_rules import AgentFacts, Difference, FailedDeployment, StackFacts
from deployments.services.history import restorable
from deployments.services.observation.stacks import Look
from deployments.states import Status

TOLD_OTHERWISE = frozenset({Aspect.MISSING, Aspect.STATE})


def facts_of(
    look: Look,
    *,
    since_ms: int,
    last: LastEnded | None,
    missing_images: frozenset[str] | None,
    drift: DriftRow | None,
    certificate_ends: datetime | None = None,
) -> StackFacts:
    """Return the facts; `since_ms`: since when the stack's condition is what it is.

    `missing_images` are those that history needs and the host lacks; None where its agent has not looked. `drift` is
    None where a comparison is owed.
    """
    return StackFacts(
        state=look.seen.state,
        since_ms=since_ms,
        agent=None if look.agent is None else _agent(look.agent, certificate_ends=certificate_ends),
        failed=None if last is None else _failed(last),
        differences=_differences(drift),
        unrestorable=_unrestorable(look, missing_images),
    )


def _differences(drift: DriftRow | None) -> tuple[Difference, ...] | None:
    """Return what somebody changed on the server and nobody left so; None where nobody has compared.

    What is missing or down is told of as that.
    """
    if drift is None:
        return None
    found = [
        Difference(service=each.service, message=each.words, since_ms=each.since_ms)
        for each in drift.differences
        if not each.left_by and each.aspect not in TOLD_OTHERWISE
    ]
    if drift.repairs_stopped_at is not None:
        stopped = epoch_ms(drift.repairs_stopped_at)
        found.insert(0, Difference(service="", message=drift.repairs_message, since_ms=stopped))
    return tuple(found)


def _agent(agent: AgentData, *, certificate_ends: datetime | None) -> AgentFacts:
    online, condition = agent.presence is Presence.ONLINE, agent.condition
    away = ""
    if condition is not None and not condition.engine_answers:
        away = condition.engine_message or "the agent does not know why."
    return AgentFacts(
        heard_ms=epoch_ms(agent.last_seen_at),
        online=online,
        engine_message=away,
        disk_full=_disk_full(condition) if online and condition is not None else None,
        certificate_ends_ms=epoch_ms(certificate_ends),
    )


def _disk_full(condition: AgentCondition) -> str | None:
    """Return in words that the disk is nearly full; empty when it is far from that, None in between or not known."""
    return condition.little_space or ("" if condition.has_ample_space else None)


def _failed(last: LastEnded) -> FailedDeployment | None:
    restored = last.status == Status.ROLLED_BACK and bool(last.reason)
    if last.status != Status.FAILED and not restored:
        return None
    end = " What ran before runs again." if restored else ""
    return FailedDeployment(
        words=f"The last {last.kind}, asked for by {last.requested_by}, failed: {last.message}{end}",
        since_ms=epoch_ms(last.completed_at),
        failed_service=last.failed_service,
        log_tail=last.log_tail,
        harmless=restored or not last.started,
    )


def _unrestorable(look: Look, missing_images: frozenset[str] | None) -> str | None:
    """Return why the version before cannot be brought back; empty when it can, None when nobody can tell."""
    if missing_images is None or look.agent is None or look.agent.presence is not Presence.ONLINE:
        return None
    if not missing_images:
        return ""
    return restorable.why_not_before(deployment_id=look.stack.deployment_id, missing_images=missing_images)
