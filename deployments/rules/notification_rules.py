"""Which channels are told of what, when, and in which words: the only place that knows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from agents.wording.sentences import sentence, translated
from deployments.data.incident_types import Cause, Severity
from deployments.data.notification_types import ChannelRules, Hold, MessageKind

MAX_TITLE = 200
WORDS: Mapping[str, str] = {
    Cause.GONE: sentence("Containers are missing"),
    Cause.RESTARTING: sentence("Keeps restarting"),
    Cause.DEGRADED: sentence("Degraded"),
    Cause.AGENT_SILENT: sentence("Server not responding"),
    Cause.DEPLOYMENT_FAILED: sentence("Deployment failed"),
    Cause.DRIFT: sentence("Changed on the server"),
    Cause.DISK_NEARLY_FULL: sentence("Disk nearly full"),
    Cause.UNRESTORABLE: sentence("Version cannot be restored"),
    Cause.CERTIFICATE_ENDS: sentence("Certificate is about to end"),
}


def wants(rules: ChannelRules, *, project_id: UUID, cause: str, severity: str) -> bool:
    """Return whether a channel with these rules is told of such an incident."""
    if rules.project_ids and project_id not in rules.project_ids:
        return False
    if rules.causes and cause not in rules.causes:
        return False
    return rules.least_severity is not Severity.CRITICAL or severity == Severity.CRITICAL


def due_at(rules: ChannelRules, *, severity: str, now: datetime) -> datetime:
    """Return when to send what happens now: at once, or at the end of the channel's quiet hours."""
    if rules.quiet_from == rules.quiet_to or (rules.critical_always and severity == Severity.CRITICAL):
        return now
    zone = ZoneInfo(rules.time_zone)
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    overnight = rules.quiet_from > rules.quiet_to
    if overnight:
        quiet = minute >= rules.quiet_from or minute < rules.quiet_to
    else:
        quiet = rules.quiet_from <= minute < rules.quiet_to
    if not quiet:
        return now
    day = local.date() + timedelta(days=int(minute >= rules.quiet_to))
    end = time(hour=rules.quiet_to // 60, minute=rules.quiet_to % 60)
    return max(datetime.combine(day, end, tzinfo=zone).astimezone(UTC), now)


def held_until(hold: Hold, *, severity: str, now: datetime) -> datetime | None:
    """Return until when a message waits that could go out now; None where nothing holds it back."""
    mutes = [each for each in (hold.channel_muted_until, hold.project_muted_until) if each is not None]
    until = max([due_at(hold.rules, severity=severity, now=now), *mutes])
    return until if until > now else None


def reminder_due(rules: ChannelRules, *, told_at: datetime, now: datetime) -> bool:
    """Return whether a channel that was told of an open incident then wants to hear of it again."""
    return rules.reminder_minutes > 0 and now - told_at >= timedelta(minutes=rules.reminder_minutes)


def title_of(content: Mapping[str, Any], *, by: Callable[[str], str] = str) -> str:
    """Return the headline of a message, in the language of `by`, a gettext."""
    data = content.get("data", {})
    kind = str(content.get("type", "")).rpartition(".")[2]
    if kind == MessageKind.TEST:
        return translated(sentence("Test of Axion Deploy"), by=by)
    cause, project, server = str(data.get("cause")), data.get("projectName"), data.get("serverName")
    words = WORDS.get(cause, cause)
    if kind == MessageKind.CLOSED:
        said = sentence("Over: {words}: {project} on {server}", words=words, project=project, server=server)
    elif kind == MessageKind.REMINDER:
        said = sentence("Still: {words}: {project} on {server}", words=words, project=project, server=server)
    else:
        said = sentence("{words}: {project} on {server}", words=words, project=project, server=server)
    return " ".join(translated(said, by=by).split())[:MAX_TITLE]


def text_of(content: Mapping[str, Any], *, by: Callable[[str], str] = str) -> str:
    """Return a message as people read it; what is wrong stands in English, as it was stored."""
    data = content.get("data", {})
    lines = [str(data.get("message", ""))]
    if data.get("services"):
        lines.append(sentence("Services: {names}", names=", ".join(data["services"])))
    if data.get("since"):
        lines.append(
            sentence("Since {since} UTC, {severity}", since=_time_of(data["since"]), severity=data.get("severity"))
        )
    if data.get("closedAt"):
        lines.append(sentence("Over at {at} UTC", at=_time_of(data["closedAt"])))
    lines.append(str(data.get("url", "")))
    return "\n".join(translated(line, by=by) for line in lines if line)


def _time_of(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, tz=UTC):%Y-%m-%d %H:%M}"
