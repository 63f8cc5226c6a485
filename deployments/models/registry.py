"""Registries that images come from and go to, and which one a cluster's images go through."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from deployments.models.project import Project


class Registry(models.Model):
    """A registry of one user, of one project, or of the installation, which has neither. Its password is sealed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    name = models.CharField(_("name"), max_length=100)
    address = models.CharField(
        _("address"), max_length=255, help_text=_("HOST or HOST:PORT, as it stands in front of an image.")
    )
    namespace = models.CharField(
        max_length=200, default="axion", db_default="axion", help_text=_("What stands before names of images we push.")
    )
    username = models.CharField(_("username"), max_length=255, blank=True, default="")
    sealed = models.TextField(
        blank=True, default="", help_text=_("The password: VERSION:BASE64 of nonce and ciphertext. Empty for none.")
    )
    ca_certificate = models.TextField(blank=True, default="", help_text=_("Authorities in PEM."))
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    check_id = models.UUIDField(null=True, unique=True, editable=False, help_text=_("The newest test."))
    check_state = models.CharField(max_length=16, blank=True, default="")
    check_message = models.TextField(blank=True, default="")
    check_server_name = models.CharField(max_length=100, blank=True, default="")
    checked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "registries"
        verbose_name = _("registry")
        verbose_name_plural = _("registries")
        constraints = [
            models.CheckConstraint(
                condition=Q(owner__isnull=True) | Q(project__isnull=True), name="registry_of_user_or_project"
            ),
            models.CheckConstraint(
                condition=Q(username="", sealed="") | Q(sealed__regex=r"^[0-9]+:") & ~Q(username=""),
                name="registry_password_has_key_version",
            ),
            models.UniqueConstraint(
                fields=["owner", "address"], condition=Q(owner__isnull=False), name="registry_once_per_user"
            ),
            models.UniqueConstraint(
                fields=["project", "address"], condition=Q(project__isnull=False), name="registry_once_per_project"
            ),
            models.UniqueConstraint(
                fields=["address"],
                condition=Q(owner__isnull=True, project__isnull=True),
                name="registry_once_per_installation",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ClusterRegistry(models.Model):
    """Through which registry the images of a cluster go. Clusters may live in a peer service."""

    cluster_id = models.UUIDField(primary_key=True)
    registry = models.ForeignKey(Registry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "cluster_registries"

    def __str__(self) -> str:
        return f"registry of cluster {self.cluster_id}"
