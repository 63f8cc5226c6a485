"""What models and their fields are called on pages: the code's own names are no words for people.

Django would make labels of attributes ("Health window"), in English and without units. Names given here are set when
the application starts, so no migration knows them.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.apps import AppConfig
from django.utils.functional import Promise

from agents.wording.pages import lazy

MODELS: Mapping[str, tuple[str, str]] = {
    "Agent": (lazy("agent"), lazy("agents")),
    "Cluster": (lazy("cluster"), lazy("clusters")),
    "CommandRecord": (lazy("command"), lazy("commands")),
    "Deployment": (lazy("deployment"), lazy("deployments")),
    "EnrolmentToken": (lazy("enrolment token"), lazy("enrolment tokens")),
    "Incident": (lazy("incident"), lazy("incidents")),
    "NotificationChannel": (lazy("notification channel"), lazy("notification channels")),
    "Project": (lazy("project"), lazy("projects")),
    "ProjectInvitation": (lazy("invitation"), lazy("invitations")),
    "Registry": (lazy("registry"), lazy("registries")),
    "Server": (lazy("server"), lazy("servers")),
}
FIELDS: Mapping[str, str] = {
    "acknowledged_at": lazy("Acknowledged"),
    "acknowledged_by": lazy("Acknowledged by"),
    "address": lazy("Address"),
    "agent": lazy("Agent"),
    "architecture": lazy("Architecture"),
    "attempts": lazy("Attempts"),
    "automatic_repair": lazy("Automatic repair"),
    "builder": lazy("Builder"),
    "ca_certificate": lazy("Certificate authority (PEM)"),
    "cause": lazy("Cause"),
    "causes": lazy("Causes"),
    "checked_at": lazy("Checked"),
    "closed_at": lazy("Ended"),
    "cluster": lazy("Cluster"),
    "completed_at": lazy("Ended"),
    "concurrency": lazy("When a deployment is in progress"),
    "condition_at": lazy("State reported"),
    "created_at": lazy("Created"),
    "critical_always": lazy("Critical incidents in quiet hours"),
    "deadline_at": lazy("Times out"),
    "description": lazy("Message"),
    "drained_at": lazy("Drained since"),
    "encrypt_networks": lazy("Encrypt networks of clusters"),
    "enrolled_at": lazy("Enrolled"),
    "expires_at": lazy("Valid until"),
    "failed_service": lazy("Failed service"),
    "finished_at": lazy("Ended"),
    "force_redeploy": lazy("Recreate all services"),
    "graph_version": lazy("Graph version"),
    "health": lazy("Load"),
    "health_deadline": lazy("Health timeout (seconds)"),
    "health_window": lazy("Stable for (seconds)"),
    "host": lazy("Host"),
    "id": lazy("ID"),
    "invited_by": lazy("Invited by"),
    "kind": lazy("Kind"),
    "labels": lazy("Labels"),
    "lane": lazy("Project and target"),
    "language": lazy("Language"),
    "last_report_number": lazy("Last report"),
    "last_seen_at": lazy("Last seen"),
    "last_used_at": lazy("Last used"),
    "least_severity": lazy("From severity"),
    "may_replace": lazy("May replace an agent"),
    "message": lazy("Message"),
    "muted_until": lazy("Muted until"),
    "name": lazy("Name"),
    "next_send_at": lazy("Next attempt"),
    "opened_at": lazy("Began"),
    "os": lazy("Operating system"),
    "owner": lazy("Owner"),
    "port": lazy("Port"),
    "progress": lazy("Progress"),
    "project": lazy("Project"),
    "project_ids": lazy("Projects"),
    "queued_at": lazy("Queued"),
    "quiet_from": lazy("Quiet hours from"),
    "quiet_to": lazy("Quiet hours to"),
    "reason": lazy("Reason"),
    "refusal_message": lazy("Refused because"),
    "reminder_minutes": lazy("Remind every (minutes)"),
    "repairs_per_hour": lazy("Repairs per hour at most"),
    "requested_by": lazy("Requested by"),
    "restore_on_failure": lazy("Restore on failure"),
    "retention": lazy("Versions kept"),
    "revoked_at": lazy("Disconnected for good"),
    "role": lazy("Role"),
    "scope": lazy("Scope"),
    "sent_at": lazy("Sent"),
    "server_info": lazy("Machine"),
    "service": lazy("Service"),
    "severity": lazy("Severity"),
    "soak_minutes": lazy("Observe after success (minutes)"),
    "stage": lazy("Step"),
    "started_at": lazy("Started"),
    "status": lazy("Status"),
    "time_zone": lazy("Time zone"),
    "trouble": lazy("Problem"),
    "used_at": lazy("Used"),
    "username": lazy("User name"),
    "version": lazy("Version"),
}


def name_models(app: AppConfig) -> None:
    """Give the models of an application, and fields that have no name of their own, those of people."""
    for model in app.get_models():
        if model.__name__ in MODELS:
            model._meta.verbose_name, model._meta.verbose_name_plural = MODELS[model.__name__]
        for field in model._meta.local_fields:
            if not isinstance(field.verbose_name, Promise) and field.name in FIELDS:
                # Migrations compare what the field was made with, so they do not see this.
                field.verbose_name = FIELDS[field.name]
