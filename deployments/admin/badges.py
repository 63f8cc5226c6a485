"""How states badge: label, tone and symbol, defined once for lists, pages, pictures. A tone is a colour pair in CSS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.states import Presence
from agents.templatetags.moments import render_moment
from deployments.services.queries.stack_list import StackLine
from deployments.states import (
    FAILED_STAGE,
    FAILURES,
    REASON_LABELS,
    RESULT_LABELS,
    Kind,
    Reason,
    Result,
    Stage,
    Status,
    result_of,
)
from deployments.types import DeploymentRecord


@dataclass(frozen=True)
class Badge:
    """`tone`: idle, busy, good, bad or back. `icon`: a name of the Material Symbols font."""

    label: str
    tone: str
    icon: str


# Tone and symbol of each result; its label is `states.RESULT_LABELS`.
RESULT_LOOKS: Mapping[Result, tuple[str, str]] = {
    Result.WAITING: ("idle", "schedule"),
    Result.DEPLOYING: ("busy", "progress_activity"),
    Result.CANCELLING: ("back", "history"),
    Result.SUCCEEDED: ("good", "check_circle"),
    Result.FAILED: ("bad", "error"),
    Result.CANCELLED: ("idle", "cancel"),
    Result.SUPERSEDED: ("idle", "fast_forward"),
    Result.RESTORING: ("bad", "history"),
    Result.RESTORED: ("bad", "settings_backup_restore"),
    Result.ROLLING_BACK: ("back", "history"),
    Result.ROLLED_BACK: ("back", "settings_backup_restore"),
}
RESULT: Mapping[Result, Badge] = {
    result: Badge(RESULT_LABELS[result], tone, icon) for result, (tone, icon) in RESULT_LOOKS.items()
}
KIND: Mapping[str, str] = {kind: kind.value.capitalize() for kind in Kind}
# What a plan does with a service.
ACTION: Mapping[str, Badge] = {
    "create": Badge("Create", "good", "add_circle"),
    "replace": Badge("Replace", "busy", "swap_horiz"),
    "restart": Badge("Restart", "back", "restart_alt"),
    "keep": Badge("Keep", "idle", "check"),
    "remove": Badge("Remove", "bad", "delete"),
}
# What a version in the history is good for.
CURRENT = Badge("Current", "busy", "radio_button_checked")
UNDONE = Badge("Rolled back", "back", "settings_backup_restore")
RESTORABLE = Badge("Can be restored", "good", "check_circle")
NOT_RESTORABLE = Badge("Cannot be restored", "idle", "block")
# How a stack is now, and a service of it, as the agent sees it.
SEEN: Mapping[str, Badge] = {
    "running": Badge("Running", "good", "check_circle"),
    "starting": Badge("Starting", "busy", "progress_activity"),
    "degraded": Badge("Degraded", "bad", "error"),
    "restarting": Badge("Restarting", "bad", "restart_alt"),
    "unhealthy": Badge("Unhealthy", "bad", "heart_broken"),
    "exited": Badge("Exited", "bad", "error"),
    "gone": Badge("Gone", "bad", "delete"),
    "stopped": Badge("Stopped on the server", "back", "stop_circle"),
    "paused": Badge("Paused on the server", "back", "pause_circle"),
    "deploying": Badge("Deploying", "busy", "progress_activity"),
    "unknown": Badge("Not known", "idle", "help"),
    "nothing": Badge("Nothing runs", "idle", "radio_button_unchecked"),
}
# Of incidents.
SEVERITY: Mapping[str, Badge] = {
    "critical": Badge("Critical", "bad", "error"),
    "warning": Badge("Warning", "back", "warning"),
}
UNKNOWN_SEVERITY = Badge("Unknown", "idle", "help")
CAUSES: Mapping[str, str] = {
    "gone": "Containers are missing",
    "restarting": "Keeps restarting",
    "degraded": "Degraded",
    "agent_silent": "Server not responding",
    "deployment_failed": "Deployment failed",
    "drift": "Changed on the server",
    "disk_nearly_full": "Disk nearly full",
    "unrestorable": "Version cannot be restored",
    "certificate_ends": "Certificate is about to end",
}
STAGES: Mapping[Stage, str] = {
    Stage.BUILDING: "Build",
    Stage.PUSHING: "Push",
    Stage.DEPLOYING: "Start",
    Stage.HEALTH_CHECKING: "Health check",
    Stage.COMPLETED: "Done",
}
SERVICE: Mapping[str, Badge] = {
    "waiting": Badge("Waiting", "idle", "schedule"),
    "building": Badge("Building", "busy", "construction"),
    "built": Badge("Built", "busy", "package_2"),
    "starting": Badge("Starting", "busy", "progress_activity"),
    "running": Badge("Running", "good", "check_circle"),
    "exited": Badge("Exited", "bad", "cancel"),
    "restarting": Badge("Restarting", "bad", "restart_alt"),
    "removed": Badge("Removed", "bad", "delete"),
}
# Says more than "running" does: a running service that is unhealthy must never look well.
HEALTH: Mapping[str, Badge] = {
    "starting": Badge("Not healthy yet", "busy", "ecg_heart"),
    "healthy": Badge("Healthy", "good", "check_circle"),
    "unhealthy": Badge("Unhealthy", "bad", "heart_broken"),
}
PRESENCE: Mapping[Presence, Badge] = {
    Presence.ONLINE: Badge("Online", "good", "check_circle"),
    Presence.SILENT: Badge("Silent", "back", "hourglass_top"),
    Presence.LOST: Badge("Lost", "bad", "signal_disconnected"),
    Presence.PENDING: Badge("Not enrolled", "idle", "schedule"),
    Presence.REVOKED: Badge("Revoked", "bad", "block"),
}
WHAT_TO_DO: Mapping[Reason, str] = {
    Reason.UNHEALTHY: "Check the log above, the port and the health path, then deploy again.",
    Reason.BUILD: "The log above shows the step that failed. Fix the code, then deploy again.",
    Reason.IMAGE: "Check the image name and that the server can reach the registry, then deploy again.",
    Reason.APPLY: "Docker could not start the stack. The log above says why; often a port is already in use.",
    Reason.CANCELLED: "Nothing to do. Deploy again when you are ready.",
    Reason.EXPIRED: "It took longer than allowed. Check the log for what was slow, then deploy again.",
    Reason.AGENT_LOST: "Check that the server is up and its agent is running, then deploy again.",
    Reason.SUPERSEDED: "Nothing to do: it was replaced by a newer deployment.",
    Reason.INVALID: "Fix what the message names in the graph or the code, then deploy again.",
    Reason.PEER: "Another service did not respond. Try again later.",
    Reason.REFUSED: "The agent rejected the deployment. Check its version and its log.",
    Reason.INTERNAL: "Axion Deploy itself failed. The worker's log has the details. Try again.",
}


def status_badge(*, status: str, reason: str = "", undone: bool = False, cancelling: bool = False) -> Badge:
    """Return the badge of a deployment in a list; `undone` as in `states.result_of`."""
    return RESULT[result_of(status=Status(status), reason=reason, undone=undone, cancelling=cancelling)]


def deployment_badge(deployment: DeploymentRecord) -> Badge:
    """Return the badge of a deployment."""
    return RESULT[deployment.result]


def render_badge(badge: Badge) -> SafeString:
    """Return the badge as HTML for a list."""
    return format_html(
        '<span class="ax-pill" data-tone="{}"><span class="ax-icon" aria-hidden="true">{}</span>{}</span>',
        badge.tone,
        badge.icon,
        badge.label,
    )


def render_stacks(stacks: Sequence[StackLine]) -> SafeString | str:
    """Return how a project's stacks are, the worst of them as a badge, with the age of the look and what is wrong."""
    if not stacks:
        return "-"
    worst = stacks[0].seen
    others = f" and {len(stacks) - 1} more" if len(stacks) > 1 else ""
    heard = format_html("seen {}", render_moment(worst.seen_at)) if worst.seen_at else "never seen"
    return format_html(
        '<span title="{}">{}</span> <span class="ax-hint">{}{}, {}</span>',
        worst.state.message,
        render_badge(SEEN[worst.state.condition]),
        stacks[0].server_name,
        others,
        heard,
    )


def cause_words(cause: str) -> str:
    """Return what an incident is about; a cause of another version in its own word."""
    return CAUSES.get(cause, cause.replace("_", " ").capitalize())


def incident_badge(*, closed: bool, taken: bool) -> Badge:
    """Return how far an incident is."""
    if closed:
        return Badge("Over", "good", "check_circle")
    return Badge("Acknowledged", "busy", "person_check") if taken else Badge("Open", "bad", "notifications_active")


def as_json() -> dict[str, Any]:
    """Return all badges for the pages' scripts."""
    return {
        "result": {str(key): asdict(badge) for key, badge in RESULT.items()},
        "failures": sorted(FAILURES),
        "reasons": {str(key): label for key, label in REASON_LABELS.items()},
        "failedStage": {str(key): str(stage) for key, stage in FAILED_STAGE.items()},
        "kind": dict(KIND),
        "service": {key: asdict(badge) for key, badge in SERVICE.items()},
        "health": {key: asdict(badge) for key, badge in HEALTH.items()},
        "seen": {key: asdict(badge) for key, badge in SEEN.items()},
        "severity": {key: asdict(badge) for key, badge in SEVERITY.items()},
        "causes": dict(CAUSES),
        "presence": {str(key): asdict(badge) for key, badge in PRESENCE.items()},
        "stages": [{"key": str(key), "label": label} for key, label in STAGES.items()],
        "advice": {str(key): text for key, text in WHAT_TO_DO.items()},
    }
