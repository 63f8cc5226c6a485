"""How states badge: label, tone and symbol, defined once for lists, pages, pictures. A tone is a colour pair in CSS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from agents.states import CommandKind, CommandStatus, Presence
from agents.templatetags.moments import render_moment
from agents.wording.pages import lazy, shown
from deployments.services.queries.stack_list import StackLine
from deployments.states import (
    FAILED_STAGE,
    FAILURES,
    KIND_LABELS,
    REASON_LABELS,
    RESULT_LABELS,
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
    result: Badge(lazy(RESULT_LABELS[result]), tone, icon) for result, (tone, icon) in RESULT_LOOKS.items()
}
KIND: Mapping[str, str] = {kind: lazy(label) for kind, label in KIND_LABELS.items()}
# What a plan does with a service.
ACTION: Mapping[str, Badge] = {
    "create": Badge(lazy("Create"), "good", "add_circle"),
    "replace": Badge(lazy("Replace"), "busy", "swap_horiz"),
    "restart": Badge(lazy("Restart"), "back", "restart_alt"),
    "keep": Badge(lazy("Keep"), "idle", "check"),
    "remove": Badge(lazy("Remove"), "bad", "delete"),
}
# What a version in the history is good for.
CURRENT = Badge(lazy("Current"), "busy", "radio_button_checked")
# A later deployment failed and was left: what runs is not this version alone.
LAST_PROVEN = Badge(lazy("Last success, a later deployment failed"), "back", "warning")
UNDONE = Badge(lazy("Rolled back"), "back", "settings_backup_restore")
RESTORABLE = Badge(lazy("Can be restored"), "good", "check_circle")
NOT_RESTORABLE = Badge(lazy("Cannot be restored"), "idle", "block")
# How a stack is now, and a service of it, as the agent sees it.
SEEN: Mapping[str, Badge] = {
    "running": Badge(lazy("Running"), "good", "check_circle"),
    "starting": Badge(lazy("Starting"), "busy", "progress_activity"),
    "degraded": Badge(lazy("Degraded"), "bad", "error"),
    "restarting": Badge(lazy("Restarting"), "bad", "restart_alt"),
    "unhealthy": Badge(lazy("Unhealthy"), "bad", "heart_broken"),
    "exited": Badge(lazy("Exited"), "bad", "error"),
    "gone": Badge(lazy("Gone"), "bad", "delete"),
    "stopped": Badge(lazy("Stopped on the server"), "back", "stop_circle"),
    "paused": Badge(lazy("Paused on the server"), "back", "pause_circle"),
    "deploying": Badge(lazy("Deploying"), "busy", "progress_activity"),
    "unknown": Badge(lazy("Not known"), "idle", "help"),
    "nothing": Badge(lazy("Nothing runs"), "idle", "radio_button_unchecked"),
}
# Of incidents.
SEVERITY: Mapping[str, Badge] = {
    "critical": Badge(lazy("Critical"), "bad", "error"),
    "warning": Badge(lazy("Warning"), "back", "warning"),
}
UNKNOWN_SEVERITY = Badge(lazy("Unknown"), "idle", "help")
CAUSES: Mapping[str, str] = {
    "gone": lazy("Containers are missing"),
    "restarting": lazy("Keeps restarting"),
    "degraded": lazy("Degraded"),
    "agent_silent": lazy("Server not responding"),
    "deployment_failed": lazy("Deployment failed"),
    "drift": lazy("Changed on the server"),
    "disk_nearly_full": lazy("Disk nearly full"),
    "unrestorable": lazy("Version cannot be restored"),
    "certificate_ends": lazy("Certificate is about to end"),
}
STAGES: Mapping[Stage, str] = {
    Stage.BUILDING: lazy("Build"),
    Stage.PUSHING: lazy("Push"),
    Stage.DEPLOYING: lazy("Start"),
    Stage.HEALTH_CHECKING: lazy("Health check"),
    Stage.COMPLETED: lazy("Done"),
}
SERVICE: Mapping[str, Badge] = {
    "waiting": Badge(lazy("Waiting"), "idle", "schedule"),
    "building": Badge(lazy("Building"), "busy", "construction"),
    "built": Badge(lazy("Built"), "busy", "package_2"),
    "starting": Badge(lazy("Starting"), "busy", "progress_activity"),
    "running": Badge(lazy("Running"), "good", "check_circle"),
    "exited": Badge(lazy("Exited"), "bad", "cancel"),
    "restarting": Badge(lazy("Restarting"), "bad", "restart_alt"),
    "removed": Badge(lazy("Removed"), "bad", "delete"),
}
# Says more than "running" does: a running service that is unhealthy must never look well.
HEALTH: Mapping[str, Badge] = {
    "starting": Badge(lazy("Not healthy yet"), "busy", "ecg_heart"),
    "healthy": Badge(lazy("Healthy"), "good", "check_circle"),
    "unhealthy": Badge(lazy("Unhealthy"), "bad", "heart_broken"),
}
PRESENCE: Mapping[Presence, Badge] = {
    Presence.ONLINE: Badge(lazy("Online"), "good", "check_circle"),
    Presence.SILENT: Badge(lazy("Not responding"), "back", "hourglass_top"),
    Presence.LOST: Badge(lazy("Disconnected"), "bad", "signal_disconnected"),
    Presence.PENDING: Badge(lazy("No agent yet"), "idle", "schedule"),
    Presence.REVOKED: Badge(lazy("Revoked"), "bad", "block"),
}
# Of orders to agents: that one is finished says nothing of what came of it.
COMMAND: Mapping[CommandStatus, Badge] = {
    CommandStatus.QUEUED: Badge(lazy("Queued"), "idle", "schedule"),
    CommandStatus.SENT: Badge(lazy("Sent"), "busy", "send"),
    CommandStatus.ACKNOWLEDGED: Badge(lazy("In progress"), "busy", "progress_activity"),
    CommandStatus.FINISHED: Badge(lazy("Finished"), "idle", "check"),
    CommandStatus.REFUSED: Badge(lazy("Refused by the agent"), "bad", "block"),
    CommandStatus.WITHDRAWN: Badge(lazy("Withdrawn"), "idle", "undo"),
}
COMMAND_KIND: Mapping[CommandKind, str] = {
    CommandKind.DEPLOY: lazy("Deploy"),
    CommandKind.REVERT: lazy("Put back"),
    CommandKind.DELETE_VOLUME: lazy("Delete a volume"),
    CommandKind.SWARM: lazy("Change the Swarm"),
    CommandKind.CHECK_REACH: lazy("Check external nodes"),
    CommandKind.INSPECT_HOST: lazy("Inspect containers"),
    CommandKind.BUILD: lazy("Build images"),
    CommandKind.CHECK_REGISTRY: lazy("Test a registry"),
}
WHAT_TO_DO: Mapping[Reason, str] = {
    Reason.UNHEALTHY: lazy("Check the log above, the port and the health path, then deploy again."),
    Reason.BUILD: lazy("The log above shows the step that failed. Fix the code, then deploy again."),
    Reason.IMAGE: lazy("Check the image name and that the server can reach the registry, then deploy again."),
    Reason.APPLY: lazy("Docker could not start the stack. The log above says why; often a port is already in use."),
    Reason.CANCELLED: lazy("Nothing to do. Deploy again when you are ready."),
    Reason.EXPIRED: lazy("It took longer than allowed. Check the log for what was slow, then deploy again."),
    Reason.AGENT_LOST: lazy("Check that the server is up and its agent is running, then deploy again."),
    Reason.SUPERSEDED: lazy("Nothing to do: it was replaced by a newer deployment."),
    Reason.INVALID: lazy("Fix what the message names in the graph or the code, then deploy again."),
    Reason.PEER: lazy("Another service did not respond. Try again later."),
    Reason.REFUSED: lazy("The agent rejected the deployment. Check its version and its log."),
    Reason.INTERNAL: lazy("Axion Deploy itself failed. The worker's log has the details. Try again."),
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
    others = gettext(" and {count} more").format(count=len(stacks) - 1) if len(stacks) > 1 else ""
    heard = format_html(gettext("seen {}"), render_moment(worst.seen_at)) if worst.seen_at else gettext("never seen")
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
        return Badge(gettext("Over"), "good", "check_circle")
    return (
        Badge(gettext("Acknowledged"), "busy", "person_check")
        if taken
        else Badge(gettext("Open"), "bad", "notifications_active")
    )


def as_json() -> dict[str, Any]:
    """Return all badges for the pages' scripts."""
    return {
        "result": {str(key): asdict(badge) for key, badge in RESULT.items()},
        "failures": sorted(FAILURES),
        "reasons": {str(key): shown(label) for key, label in REASON_LABELS.items()},
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
