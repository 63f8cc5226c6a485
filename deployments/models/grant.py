"""Who may deploy what where: the agreement of a project's owner and a server's owner."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from deployments.models.project import Project


class TargetGrant(models.Model):
    """The right of a project to a server, once both sides have given it. Rows are ended, never deleted.

    `server_id` is no foreign key: servers may live in a peer service, and what was ended outlives its server.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="target_grants")
    server_id = models.UUIDField()
    project_side_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    project_side_at = models.DateTimeField(null=True, blank=True)
    server_side_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    server_side_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_because = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        db_table = "target_grants"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "server_id"], condition=Q(ended_at__isnull=True), name="one_open_grant_per_target"
            ),
            models.CheckConstraint(
                condition=Q(project_side_by__isnull=True, project_side_at__isnull=True)
                | Q(project_side_by__isnull=False, project_side_at__isnull=False),
                name="project_side_has_giver_and_time",
            ),
            models.CheckConstraint(
                condition=Q(server_side_by__isnull=True, server_side_at__isnull=True)
                | Q(server_side_by__isnull=False, server_side_at__isnull=False),
                name="server_side_has_giver_and_time",
            ),
        ]
        indexes = [models.Index(fields=["server_id", "-created_at"], name="grants_of_server")]
