"""When an incident opens, changes and closes: the only place that knows. Pure.

What cannot be known neither opens nor closes anything: an incident stays as it was while nobody can look.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from deployments.data.incident_types import Cause, Finding, OpenIncident, Severity
from deployments.rules.conditions import ServiceCondition, StackCondition
from deployments.rules.observed import ObservedState

# A stack that is degraded for less may be a person at work on the host, or a service that gets well by itself.
DEGRADED_MS = 60_000
# Heartbeats come every few seconds; a network that is away for less needs nobody.
SILENT_MS = 60_000
# What was seen once more within this time is the same incident still.
QUIET_MS = 10_000
# What is repaired by itself by then needs nobody.
DIFFERENT_MS = 15_000
# An agent renews its certificate when a third of its 30 days is left: with so little left nothing came of that.
CERTIFICATE_MS = 5 * 24 * 3_600_000
MAX_LINES = 50
MAX_NAMED = 5
# Causes that only a look at the containers can tell.
OBSERVED = frozenset({Cause.GONE, Cause.RESTARTING, Cause.DEGRADED, Cause.DRIFT})
UNOBSERVED = frozenset({StackCondition.UNKNOWN, StackCondition.DEPLOYING})


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Something about a container that is not as it was deployed; `since_ms`: since when."""

    service: str
    message: str
    since_ms: int


@dataclass(frozen=True, kw_only=True)
class FailedDeployment:
    """The last deployment that ended, where it failed; `harmless`: what ran before it runs still or again."""

    words: str
    since_ms: int
    failed_service: str = ""
    log_tail: tuple[str, ...] = ()
    harmless: bool = False


@dataclass(frozen=True, kw_only=True)
class AgentFacts:
    """What is known of a stack's agent. `disk_full` says it in words; None: nobody can tell now, or it is a near thing.

    `certificate_ends_ms`: when the certificate that lasts the longest does; 0 for an agent without one.
    """

    heard_ms: int
    online: bool
    engine_message: str = ""
    disk_full: str | None = None
    certificate_ends_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class StackFacts:
    """All that incidents of a stack depend on. `since_ms`: since when its condition is what it is.

    `agent` is None for a server without one. `differences` are what was changed on the host and nobody silenced; None:
    nobody compared. `unrestorable` says why the version before cannot be brought back, and is empty when it can; None
    when nobody can tell now.
    """

    state: ObservedState
    since_ms: int
    agent: AgentFacts | None = None
    failed: FailedDeployment | None = None
    differences: Sequence[Difference] | None = None
    unrestorable: str | None = None


@dataclass(frozen=True, kw_only=True)
class Opened:
    finding: Finding


@dataclass(frozen=True, kw_only=True)
class Changed:
    """It goes on, with other words or another severity."""

    finding: Finding


@dataclass(frozen=True, kw_only=True)
class Quieted:
    """Its cause is not seen any more; whether that lasts will show. `quiet_ms` is 0 when it is seen again."""

    cause: Cause
    quiet_ms: int


@dataclass(frozen=True, kw_only=True)
class Closed:
    cause: Cause


Step = Opened | Changed | Quieted | Closed


def judge(*, facts: StackFacts, open_incidents: Collection[OpenIncident], now_ms: int) -> tuple[Step, ...]:
    """Return what is to be done about the stack's incidents; nothing when all is as it was."""
    held = {finding.cause: finding for finding in findings(facts, now_ms=now_ms)}
    known = {incident.cause: incident for incident in open_incidents}
    unknowable = not_known(facts)
    steps: list[Step] = [Opened(finding=finding) for cause, finding in held.items() if cause not in known]
    for cause, incident in known.items():
        if cause in held:
            steps.extend(_goes_on(incident, held[cause]))
        elif cause not in unknowable:
            steps.extend(_ends(incident, now_ms=now_ms))
    return tuple(steps)


def findings(facts: StackFacts, *, now_ms: int) -> Iterator[Finding]:
    """Yield the causes that hold now, at most one of each."""
    yield from _of_containers(facts, now_ms=now_ms)
    yield from _of_agent(facts, now_ms=now_ms)
    yield from _of_deployments(facts, now_ms=now_ms)
    yield from _of_differences(facts, now_ms=now_ms)


def not_known(facts: StackFacts) -> frozenset[Cause]:
    """Return the causes of which nobody can tell now whether they hold."""
    found: set[Cause] = set()
    if facts.state.condition in UNOBSERVED:
        found |= OBSERVED
    if facts.differences is None:
        found.add(Cause.DRIFT)
    if facts.agent is not None and facts.agent.disk_full is None:
        found.add(Cause.DISK_NEARLY_FULL)
    if facts.unrestorable is None:
        found.add(Cause.UNRESTORABLE)
    return frozenset(found)


def _of_containers(facts: StackFacts, *, now_ms: int) -> Iterator[Finding]:
    causes: Mapping[StackCondition, tuple[Cause, Severity, int]] = {
        StackCondition.GONE: (Cause.GONE, Severity.CRITICAL, 0),
        StackCondition.RESTARTING: (Cause.RESTARTING, Severity.CRITICAL, 0),
        StackCondition.DEGRADED: (Cause.DEGRADED, _severity_of(facts.state), DEGRADED_MS),
    }
    if facts.state.condition not in causes:
        return
    cause, severity, patience = causes[facts.state.condition]
    if now_ms - facts.since_ms < patience:
        return
    names = tuple(service.name for service in facts.state.services if service.condition is not ServiceCondition.RUNNING)
    yield Finding(cause=cause, severity=severity, since_ms=facts.since_ms, message=facts.state.message, services=names)


def _severity_of(state: ObservedState) -> Severity:
    """Return critical where a service has no copy left that runs."""
    dead = any(not service.running for service in state.services)
    return Severity.CRITICAL if dead else Severity.WARNING


def _of_agent(facts: StackFacts, *, now_ms: int) -> Iterator[Finding]:
    agent = facts.agent
    if agent is None or not agent.heard_ms:
        return
    if agent.certificate_ends_ms and now_ms >= agent.certificate_ends_ms - CERTIFICATE_MS:
        since = agent.certificate_ends_ms - CERTIFICATE_MS
        yield _finding(Cause.CERTIFICATE_ENDS, Severity.WARNING, since, _certificate(agent.certificate_ends_ms))
    if not agent.online and now_ms - agent.heard_ms >= SILENT_MS:
        message = "The server's agent is silent. Nobody knows how the stack is until it is back."
        yield _finding(Cause.AGENT_SILENT, Severity.CRITICAL, agent.heard_ms, message)
    elif agent.online and agent.engine_message and now_ms - facts.since_ms >= SILENT_MS:
        message = f"Docker on the server does not answer its agent: {agent.engine_message}"
        yield _finding(Cause.AGENT_SILENT, Severity.CRITICAL, facts.since_ms, message)
    if agent.disk_full:
        yield _finding(Cause.DISK_NEARLY_FULL, Severity.WARNING, now_ms, agent.disk_full)


def _certificate(ends_ms: int) -> str:
    ends = datetime.fromtimestamp(ends_ms / 1000, tz=UTC)
    return (
        f"The certificate of the server's agent is good until {ends:%Y-%m-%d %H:%M} UTC and was not renewed."
        " Without it the agent cannot connect: look into its log, or enrol it anew."
    )


def _of_deployments(facts: StackFacts, *, now_ms: int) -> Iterator[Finding]:
    failed = facts.failed
    if failed is not None:
        yield Finding(
            cause=Cause.DEPLOYMENT_FAILED,
            severity=Severity.WARNING if failed.harmless else Severity.CRITICAL,
            since_ms=failed.since_ms,
            message=failed.words,
            services=(failed.failed_service,) if failed.failed_service else (),
            log_tail=failed.log_tail[-MAX_LINES:],
        )
    if facts.unrestorable:
        yield _finding(Cause.UNRESTORABLE, Severity.WARNING, now_ms, facts.unrestorable)


def _of_differences(facts: StackFacts, *, now_ms: int) -> Iterator[Finding]:
    lasting = [each for each in facts.differences or () if now_ms - each.since_ms >= DIFFERENT_MS]
    if not lasting or facts.state.condition in UNOBSERVED:
        return
    told = [each.message for each in lasting[:MAX_NAMED]]
    rest = len(lasting) - len(told)
    yield Finding(
        cause=Cause.DRIFT,
        severity=Severity.WARNING,
        since_ms=min(each.since_ms for each in lasting),
        message=" ".join([*told, f"And {rest} more." if rest else ""]).strip(),
        services=tuple(sorted({each.service for each in lasting} - {""})),
    )


def _finding(cause: Cause, severity: Severity, since_ms: int, message: str) -> Finding:
    return Finding(cause=cause, severity=severity, since_ms=since_ms, message=message)


def _goes_on(incident: OpenIncident, finding: Finding) -> Iterator[Step]:
    if incident.quiet_ms:
        yield Quieted(cause=incident.cause, quiet_ms=0)
    told = (incident.severity, incident.message, incident.services)
    if told != (finding.severity, finding.message, finding.services):
        yield Changed(finding=finding)


def _ends(incident: OpenIncident, *, now_ms: int) -> Iterator[Step]:
    if not incident.quiet_ms:
        yield Quieted(cause=incident.cause, quiet_ms=now_ms)
    elif now_ms - incident.quiet_ms >= QUIET_MS:
        yield Closed(cause=incident.cause)
