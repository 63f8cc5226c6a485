"""Rows the product keeps for itself: how many deployments there are, and which requests were answered."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class DeploymentCount(models.Model):
    """Changes of the number of a project's deployments in one status: their sum is the number.

    A trigger on `deployments` adds them in the transaction of every change, whoever makes it. Rows are only added and
    folded, so no two deployments ever wait for each other's count.
    """

    project_id = models.UUIDField()
    status = models.CharField(max_length=16)
    change = models.BigIntegerField()

    class Meta:
        db_table = "deployment_counts"
        indexes = [models.Index(fields=["project_id", "status"], include=["change"], name="counts_of_project")]


class RequestKey(models.Model):
    """An Idempotency-Key that a user sent, what it was sent with, and the answer when it can be given again."""

    user_id = models.UUIDField()
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64, help_text=_("HMAC of method, path and body."))
    answer_status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.JSONField(null=True, blank=True)
    location = models.CharField(max_length=500, default="", blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "request_keys"
        constraints = [models.UniqueConstraint(fields=["user_id", "key"], name="one_meaning_per_key")]
        indexes = [models.Index(fields=["created_at"], name="request_keys_by_age")]


class RemovedMachine(models.Model):
    """A server or cluster that was removed: what people called it, for the history of what was deployed there."""

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=100)
    removed_at = models.DateTimeField()

    class Meta:
        db_table = "removed_machines"
