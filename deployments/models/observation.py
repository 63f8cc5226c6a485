"""What agents see of the stacks on their hosts, as it was told last."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from deployments.models.project import Project


class ObservedHost(models.Model):
    """An agent's host: the session that told all of it. What another session told counts no longer."""

    agent_id = models.UUIDField(primary_key=True, editable=False)
    session_id = models.UUIDField()
    observed_at = models.DateTimeField()

    class Meta:
        db_table = "observed_hosts"

    def __str__(self) -> str:
        return f"host of agent {str(self.agent_id)[:8]}"


class ObservedSwarm(models.Model):
    """A cluster: the session of the manager's agent that told all of its tasks, and how many of these were left out."""

    cluster_id = models.UUIDField(primary_key=True, editable=False)
    session_id = models.UUIDField()
    left_out = models.PositiveIntegerField(default=0)
    observed_at = models.DateTimeField()

    class Meta:
        db_table = "observed_swarms"

    def __str__(self) -> str:
        return f"tasks of cluster {str(self.cluster_id)[:8]}"


class ObservedStack(models.Model):
    """The containers of one project on one server, as its agent told them last. Holds no value of a secret.

    On a cluster `server_id` is the cluster's, and the containers are tasks of its Swarm.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    server_id = models.UUIDField()
    containers = models.JSONField(default=list)
    changed = models.JSONField(
        default=dict, help_text=_("Service to the moment since when it is as it is, in epoch ms.")
    )
    number = models.PositiveBigIntegerField(default=0, help_text=_("Rises with every change."))
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "observed_stacks"
        constraints = [models.UniqueConstraint(fields=["project", "server_id"], name="one_observation_per_stack")]
        indexes = [models.Index(fields=["server_id"], name="observed_stacks_of_server")]

    def __str__(self) -> str:
        return f"{self.project_id} on {str(self.server_id)[:8]}"


class MemoryKill(models.Model):
    """A moment at which a container of a stack was killed for lack of memory, for the marks of charts."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    server_id = models.UUIDField()
    container_id = models.CharField(max_length=64)
    host_ms = models.BigIntegerField(help_text=_("By the host's clock, as its agent tells it: names the kill."))
    service = models.CharField(max_length=200)
    container = models.CharField(max_length=255)
    at = models.DateTimeField(help_text=_("By the control plane's clock."))

    class Meta:
        db_table = "memory_kills"
        constraints = [models.UniqueConstraint(fields=["container_id", "host_ms"], name="one_memory_kill_per_moment")]
        indexes = [
            models.Index(fields=["project", "at"], name="memory_kills_of_project"),
            models.Index(fields=["server_id", "at"], name="memory_kills_of_server"),
            models.Index(fields=["at"], name="memory_kills_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.container} at {self.at:%Y-%m-%d %H:%M:%S}"
