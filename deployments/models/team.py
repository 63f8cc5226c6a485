"""Groups of people with roles, links that let people in, and what was changed by whom."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from deployments.models.project import Project, ProjectMember


class PeopleGroup(models.Model):
    """People who are given roles together. Administrators keep it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100, unique=True)
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, through="GroupPerson", related_name="people_groups")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "people_groups"
        verbose_name_plural = _("groups")
        ordering = ["name"]
        verbose_name = _("group")

    def __str__(self) -> str:
        return self.name


class GroupPerson(models.Model):
    """One person's place in a group."""

    group = models.ForeignKey(PeopleGroup, on_delete=models.CASCADE, related_name="places")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="group_places")

    class Meta:
        db_table = "people_group_members"
        constraints = [models.UniqueConstraint(fields=["group", "user"], name="person_once_per_group")]

    def __str__(self) -> str:
        return f"{self.user} in {self.group}"


class ProjectGroup(models.Model):
    """The role that everybody of a group has in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="group_roles")
    group = models.ForeignKey(PeopleGroup, on_delete=models.CASCADE, related_name="project_roles")
    role = models.CharField(
        max_length=16, choices=ProjectMember.Role.choices, default=ProjectMember.Role.VIEWER, blank=False
    )

    class Meta:
        db_table = "project_groups"
        constraints = [models.UniqueConstraint(fields=["project", "group"], name="group_once_per_project")]

    def __str__(self) -> str:
        return f"{self.group} as {self.role}"


class AccessLink(models.Model):
    """A link that lets one person in, once: to choose a password, or into a project. Known by its hash alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="access_links")
    role = models.CharField(max_length=16, choices=ProjectMember.Role.choices, default="", blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "access_links"
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, project__isnull=True) | Q(user__isnull=True, project__isnull=False),
                name="access_link_has_one_purpose",
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(user__isnull=False), name="one_access_link_per_person"
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="access_links_by_end")]


class AuditEntry(models.Model):
    """Who changed what, and when. Rows are added with the change and never changed; old ones go.

    What it speaks of may be gone since, so nothing here refers to rows: names are as they were.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor_id = models.UUIDField()
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=40)
    detail = models.CharField(max_length=500, default="", blank=True)
    project_id = models.UUIDField(null=True)
    server_id = models.UUIDField(null=True)
    person_id = models.UUIDField(null=True)

    class Meta:
        db_table = "audit_entries"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["project_id", "-id"], condition=Q(project_id__isnull=False), name="audit_of_project"),
            models.Index(fields=["server_id", "-id"], condition=Q(server_id__isnull=False), name="audit_of_server"),
            models.Index(fields=["person_id", "-id"], condition=Q(person_id__isnull=False), name="audit_of_person"),
            models.Index(fields=["actor_id", "-id"], name="audit_by_actor"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.detail}"
