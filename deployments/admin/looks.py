"""How states look: label, tone and symbol, defined once for lists, pages, pictures. A tone is a colour pair in CSS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.states import Presence
from deployments.states import Kind, Reason, Stage, Status


@dataclass(frozen=True)
class Look:
    """`tone`: idle, busy, good, bad or back. `icon`: a name of the Material Symbols font."""

    label: str
    tone: str
    icon: str


STATUS: Mapping[Status, Look] = {
    Status.PENDING: Look("Waiting", "idle", "schedule"),
    Status.IN_PROGRESS: Look("Deploying", "busy", "progress_activity"),
    Status.SUCCESS: Look("Succeeded", "good", "check_circle"),
    Status.FAILED: Look("Failed", "bad", "error"),
    Status.ROLLING_BACK: Look("Rolling back", "back", "history"),
    Status.ROLLED_BACK: Look("Rolled back", "back", "settings_backup_restore"),
}
# What a status alone does not say; the pages' scripts show the same.
CANCELLING = Look("Cancelling", "back", "history")
CANCELLED = Look("Cancelled", "idle", "cancel")
SUPERSEDED = Look("Superseded", "idle", "fast_forward")
KIND: Mapping[str, str] = {kind: kind.value.capitalize() for kind in Kind}
# What a plan does with a service.
ACTION: Mapping[str, Look] = {
    "create": Look("Create", "good", "add_circle"),
    "replace": Look("Replace", "busy", "swap_horiz"),
    "restart": Look("Restart", "back", "restart_alt"),
    "keep": Look("Keep", "idle", "check"),
    "remove": Look("Remove", "bad", "delete"),
}
# What a version in the history is good for.
CURRENT = Look("Current", "busy", "radio_button_checked")
UNDONE = Look("Rolled back", "back", "settings_backup_restore")
RESTORABLE = Look("Can be restored", "good", "check_circle")
NOT_RESTORABLE = Look("Cannot be restored", "idle", "block")
STAGES: Mapping[Stage, str] = {
    Stage.BUILDING: "Build",
    Stage.PUSHING: "Push",
    Stage.DEPLOYING: "Start",
    Stage.HEALTH_CHECKING: "Health check",
    Stage.COMPLETED: "Done",
}
SERVICE: Mapping[str, Look] = {
    "waiting": Look("Waiting", "idle", "schedule"),
    "building": Look("Building", "busy", "construction"),
    "built": Look("Built", "busy", "package_2"),
    "starting": Look("Starting", "busy", "progress_activity"),
    "running": Look("Running", "good", "check_circle"),
    "exited": Look("Exited", "bad", "cancel"),
    "restarting": Look("Restarting", "bad", "restart_alt"),
    "removed": Look("Removed", "bad", "delete"),
}
# Says more than "running" does: a running service that is unhealthy must never look well.
HEALTH: Mapping[str, Look] = {
    "starting": Look("Not healthy yet", "busy", "ecg_heart"),
    "healthy": Look("Healthy", "good", "check_circle"),
    "unhealthy": Look("Unhealthy", "bad", "heart_broken"),
}
PRESENCE: Mapping[Presence, Look] = {
    Presence.ONLINE: Look("Online", "good", "check_circle"),
    Presence.SILENT: Look("Silent", "back", "hourglass_top"),
    Presence.LOST: Look("Lost", "bad", "signal_disconnected"),
    Presence.PENDING: Look("Not enrolled", "idle", "schedule"),
    Presence.REVOKED: Look("Revoked", "bad", "block"),
}
WHAT_TO_DO: Mapping[Reason, str] = {
    Reason.UNHEALTHY: "Read its last lines above. Check the service's port and healthPath, then deploy again.",
    Reason.BUILD: "The lines above show the step that failed; correct the code and deploy again.",
    Reason.IMAGE: "An image could not be had. Check its name and that the server reaches the registry.",
    Reason.APPLY: "Docker refused to start the stack. The lines above say why; a used port is the usual cause.",
    Reason.CANCELLED: "Nothing to do. Deploy again when you are ready.",
    Reason.EXPIRED: "It took longer than it may. See in the log where the time went, then deploy again.",
    Reason.AGENT_LOST: "The server's agent is not heard of. See that the machine and its agent run, then deploy again.",
    Reason.SUPERSEDED: "Nothing to do: a newer deployment took its place.",
    Reason.INVALID: "Correct what the sentence names in the graph or the code, then deploy again.",
    Reason.PEER: "Another service did not answer. Try again in a while.",
    Reason.REFUSED: "The agent would not do it. See its version and its log.",
    Reason.INTERNAL: "This is a fault on our side. The log has the details; try again.",
}


def status_look(*, status: str, reason: str = "", cancelling: bool = False) -> Look:
    """Of a deployment in a list."""
    if status == Status.FAILED and reason == Reason.CANCELLED:
        return CANCELLED
    if status == Status.FAILED and reason == Reason.SUPERSEDED:
        return SUPERSEDED
    return CANCELLING if status == Status.IN_PROGRESS and cancelling else STATUS[Status(status)]


def pill(look: Look) -> SafeString:
    """A look as a list shows it."""
    return format_html(
        '<span class="ax-pill" data-tone="{}"><span class="ax-icon" aria-hidden="true">{}</span>{}</span>',
        look.tone,
        look.icon,
        look.label,
    )


def moment(at: datetime) -> SafeString:
    """A time that the browser tells in the reader's own words."""
    return format_html('<time class="ax-time" datetime="{}"></time>', at.isoformat())


def as_json() -> dict[str, Any]:
    """All of it for the pages' scripts."""
    return {
        "status": {str(key): asdict(look) for key, look in STATUS.items()},
        "cancelling": asdict(CANCELLING),
        "cancelled": asdict(CANCELLED),
        "superseded": asdict(SUPERSEDED),
        "kind": dict(KIND),
        "service": {key: asdict(look) for key, look in SERVICE.items()},
        "health": {key: asdict(look) for key, look in HEALTH.items()},
        "presence": {str(key): asdict(look) for key, look in PRESENCE.items()},
        "stages": [{"key": str(key), "label": label} for key, label in STAGES.items()],
        "advice": {str(key): text for key, text in WHAT_TO_DO.items()},
    }
