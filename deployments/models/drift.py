"""What was meant to run of a stack, how what is there differs from it, and what is done about that."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from deployments.models.project import Project


class StackDrift(models.Model):
    """One project on one server: what its last proof saw, and the differences since. Holds no value of a secret."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    server_id = models.UUIDField()
    deployment_id = models.UUIDField(help_text=_("Whose success it is that things are held against."))
    meant = models.JSONField(default=list, help_text=_("Each service as the proof saw it."))
    proven_ids = models.JSONField(default=list, help_text=_("The containers of that proof."))
    proven_at = models.DateTimeField()
    differences = models.JSONField(default=list)
    unknown = models.JSONField(default=list, help_text=_("Services that cannot be compared whole."))
    due_at = models.DateTimeField(null=True, help_text=_("When to compare at the latest, whatever is told by then."))
    touched_at = models.DateTimeField(null=True, help_text=_("When somebody on the host last changed something."))
    repairs_stopped_at = models.DateTimeField(null=True, help_text=_("Since when it is no longer repaired by itself."))
    repairs_message = models.TextField(default="", help_text=_("Why not."))
    soak_until = models.DateTimeField(null=True, help_text=_("Until when a success that degrades is rolled back."))
    soak_message = models.TextField(default="", help_text=_("What became of that, for people."))

    class Meta:
        db_table = "stack_drifts"
        constraints = [models.UniqueConstraint(fields=["project", "server_id"], name="one_drift_per_stack")]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="drifts_due"),
            models.Index(fields=["soak_until"], condition=models.Q(soak_until__isnull=False), name="drifts_soaking"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} on {str(self.server_id)[:8]}"
