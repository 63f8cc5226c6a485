"""Projects and what they are made of: graph versions, code, secrets, people."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Project(models.Model):
    """An application as a graph, and how its deployments are to behave. Times in seconds."""

    class Concurrency(models.TextChoices):
        QUEUE = "queue", _("Queue")
        SUPERSEDE = "supersede", _("Replace queued deployments")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("owner"), on_delete=models.PROTECT, related_name="projects"
    )
    name = models.CharField(_("name"), max_length=100)
    slug = models.SlugField(max_length=48, unique=True)
    concurrency = models.CharField(
        _("concurrency"), max_length=16, choices=Concurrency.choices, default=Concurrency.QUEUE
    )
    restore_on_failure = models.BooleanField(
        _("restore on failure"), default=True, help_text=_("Restore the previous version when a deployment fails.")
    )
    health_deadline = models.PositiveIntegerField(
        _("health deadline"), default=120, help_text=_("Seconds that a service may take to become healthy.")
    )
    health_window = models.PositiveIntegerField(
        _("health window"),
        default=3,
        help_text=_("Seconds that every container must stay healthy before the deployment succeeds."),
    )
    retention = models.PositiveIntegerField(
        _("retention"), default=10, help_text=_("Number of successful deployments per target that can be restored.")
    )
    automatic_repair = models.BooleanField(
        _("automatic repair"),
        default=False,
        db_default=False,
        help_text=_("Automatically repair services that are changed on the server."),
    )
    repairs_per_hour = models.PositiveSmallIntegerField(
        _("repairs per hour"),
        default=3,
        db_default=3,
        help_text=_("Automatic repairs within an hour, after which they stop and you are told."),
    )
    soak_minutes = models.PositiveSmallIntegerField(
        _("soak minutes"),
        default=0,
        db_default=0,
        help_text=_("Roll back a deployment that degrades by itself within this many minutes; 0 for never."),
    )
    encrypt_networks = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Encrypt what services say to each other between the nodes of a cluster; costs throughput."),
    )
    muted_until = models.DateTimeField(
        null=True, editable=False, help_text=_("Until then messages about its incidents wait.")
    )
    deletion = models.CharField(
        max_length=16,
        default="",
        db_default="",
        blank=True,
        editable=False,
        help_text=_("deleting, deleted, or empty."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "projects"
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="project_name_once_per_owner")]

    def __str__(self) -> str:
        return self.name


class ProjectMember(models.Model):
    """Someone besides the owner, with a role in the project."""

    class Role(models.TextChoices):
        VIEWER = "viewer", _("Viewer")
        DEPLOYER = "deployer", _("Deployer")
        EDITOR = "editor", _("Editor")
        APPROVER = "approver", _("Approver")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        db_table = "project_members"
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="member_once_per_project")]


class ProjectInvitation(models.Model):
    """Somebody was asked to become a member; nobody is one without having said yes.

    Holds the name as it was written, known or not, so that inviting tells nobody who has an account.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    name = models.CharField(max_length=150)
    role = models.CharField(
        _("role"), max_length=16, choices=ProjectMember.Role.choices, default=ProjectMember.Role.VIEWER
    )
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(_("created"))

    class Meta:
        db_table = "project_invitations"
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_invitation_per_name")]
        indexes = [models.Index(fields=["name"], name="invitations_by_name")]

    def __str__(self) -> str:
        return f"{self.name} as {self.role}"


class GraphVersion(models.Model):
    """One version of a project's graph, without the values of its secrets. Never changed."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="graph_versions")
    version = models.PositiveIntegerField()
    graph = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "graph_versions"
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["project", "version"], name="graph_version_once_per_project")]


class CodeBundle(models.Model):
    """The code of one service as a tar, named by the digest of its content. Never changed; shared by equal content."""

    digest = models.CharField(primary_key=True, max_length=64)
    content = models.BinaryField()
    size = models.PositiveIntegerField(help_text=_("Bytes of the tar."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "code_bundles"


class NodeCode(models.Model):
    """The bundle a node is built from at its next deployment."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="node_codes")
    node_id = models.CharField(max_length=200)
    bundle = models.ForeignKey(CodeBundle, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "node_codes"
        constraints = [models.UniqueConstraint(fields=["project", "node_id"], name="one_code_per_node")]


class ProjectSecret(models.Model):
    """A secret that outlives deployments: given in the graph, or generated once. Encrypted with its key version."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="secrets")
    key = models.CharField(max_length=500)
    sealed = models.TextField(help_text=_("VERSION:BASE64 of nonce and ciphertext."))
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "project_secrets"
        constraints = [
            models.UniqueConstraint(fields=["project", "key"], name="one_secret_per_key"),
            models.CheckConstraint(condition=Q(sealed__regex=r"^[0-9]+:"), name="secret_has_key_version"),
        ]
