"""Variables that stay from one deployment to the next, and who changed which of them when."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from deployments.data.variable_types import Scope
from deployments.models.project import Project

SCOPES = [(str(scope), str(scope)) for scope in Scope]


class ProjectVariable(models.Model):
    """The value that a name has now, for a whole project, on one of its targets, or for a node.

    `scope_key`: empty for a project, the id of the target, or the id of the node.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="variables")
    scope = models.CharField(max_length=10, choices=SCOPES)
    scope_key = models.CharField(max_length=200, default="", blank=True)
    name = models.CharField(max_length=200)
    version = models.PositiveIntegerField(help_text=_("Rises with every value that the name gets."))
    sealed = models.TextField(help_text=_("VERSION:BASE64 of nonce and ciphertext."))
    set_by = models.CharField(max_length=150, help_text=_("Name of who set it, which outlives the account."))
    set_at = models.DateTimeField()

    class Meta:
        db_table = "project_variables"
        constraints = [
            models.UniqueConstraint(fields=["project", "scope", "scope_key", "name"], name="one_value_per_variable"),
            models.CheckConstraint(condition=Q(sealed__regex=r"^[0-9]+:"), name="variable_has_key_version"),
        ]


class VariableChange(models.Model):
    """Somebody gave a variable a value or removed it. Never holds the value, and is never changed."""

    class Action(models.TextChoices):
        SET = "set", _("Set")
        REMOVED = "removed", _("Removed")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="variable_changes")
    scope = models.CharField(max_length=10, choices=SCOPES)
    scope_key = models.CharField(max_length=200, default="", blank=True)
    name = models.CharField(max_length=200)
    version = models.PositiveIntegerField()
    action = models.CharField(max_length=10, choices=Action.choices)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    changed_by_name = models.CharField(max_length=150)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "variable_changes"
        indexes = [models.Index(fields=["project", "-id"], name="variable_changes_of_project")]
