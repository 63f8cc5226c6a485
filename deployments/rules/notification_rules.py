"""Which channels are told of what, when, and in which words: the only place that knows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from deployments.data.incident_types import Cause, Severity
from deployments.data.notification_types import ChannelRules, Hold, MessageKind

MAX_TITLE = 200
WORDS: Mapping[str, str] = {
    Cause.GONE: "Containers are missing",
    Cause.RESTARTING: "Keeps restarting",
    Cause.DEGRADED: "Degraded",
    Cause.AGENT_SILENT: "Server not responding",
    Cause.DEPLOYMENT_FAILED: "Deployment failed",
    Cause.DRIFT: "Changed on the server",
    Cause.DISK_NEARLY_FULL: "Disk nearly full",
    Cause.UNRESTORABLE: "Version cannot be restored",
    Cause.CERTIFICATE_ENDS: "Certificate is about to end",
}
PREFIX: Mapping[str, str] = {MessageKind.CLOSED: "Over: ", MessageKind.REMINDER: "Still: "}


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


def title_of(content: Mapping[str, Any]) -> str:
    """Return the headline of a message."""
    data = content.get("data", {})
    kind = str(content.get("type", "")).rpartition(".")[2]
    if kind == MessageKind.TEST:
        return "Test of Axion Deploy"
    words = WORDS.get(str(data.get("cause")), str(data.get("cause")))
    title = f"{PREFIX.get(kind, '')}{words}: {data.get('projectName')} on {data.get('serverName')}"
    return " ".join(title.split())[:MAX_TITLE]


def text_of(content: Mapping[str, Any]) -> str:
    """Return a message as people read it."""
    data = content.get("data", {})
    lines = [str(data.get("message", ""))]
    if data.get("services"):
        lines.append(f"Services: {', '.join(data['services'])}")
    if data.get("since"):
        since = datetime.fromtimestamp(data["since"] / 1000, tz=UTC)
        lines.append(f"Since {since:%Y-%m-%d %H:%M} UTC, {data.get('severity')}")
    if data.get("closedAt"):
        lines.append(f"Over at {datetime.fromtimestamp(data['closedAt'] / 1000, tz=UTC):%Y-%m-%d %H:%M} UTC")
    lines.append(str(data.get("url", "")))
    return "\n".join(line for line in lines if line)
