"""Servers, clusters of them, and the agents that dial in from them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Cluster(models.Model):
    """Servers that act as one target: the nodes of one Docker Swarm, once it was formed or adopted (`swarm_id`).

    `builder`: the server that builds images for it; without one a manager does.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("owner"), on_delete=models.PROTECT, related_name="clusters"
    )
    name = models.CharField(_("name"), max_length=100)
    swarm_id = models.CharField(  # noqa: DJ001 - null, so that any number of clusters may be without one
        max_length=64, null=True, editable=False, unique=True, help_text=_("The Swarm that it is; empty until then.")
    )
    builder = models.ForeignKey(
        "Server",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="builds_for",
        help_text=_("The server that builds images for this cluster; without one a manager does."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        db_table = "clusters"
        verbose_name = _("cluster")
        verbose_name_plural = _("clusters")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="cluster_name_once_per_owner")]

    def __str__(self) -> str:
        return self.name


class Server(models.Model):
    """A machine to deploy to. Its status is that of its agent and is never stored here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("owner"), on_delete=models.PROTECT, related_name="servers"
    )
    name = models.CharField(_("name"), max_length=100)
    host = models.CharField(
        _("host"),
        max_length=255,
        blank=True,
        help_text=_("Host name or address at which people open applications on this server; used for links only."),
    )
    port = models.PositiveIntegerField(
        _("port"), default=22, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    username = models.CharField(_("username"), max_length=100, blank=True)
    cluster = models.ForeignKey(
        Cluster, verbose_name=_("cluster"), null=True, blank=True, on_delete=models.SET_NULL, related_name="servers"
    )
    privileged_allowed = models.BooleanField(
        _("Allow privileged services"),
        default=False,
        db_default=False,
        help_text=_(
            "Services here may use paths, devices and further rights of the host, which is as good as root on "
            "this machine. Leave it off where other people's projects run."
        ),
    )
    labels = models.JSONField(
        _("labels"),
        default=list,
        db_default=[],
        blank=True,
        help_text=_(
            "Words that people give it, such as region=eu: to find it, and to deploy where exactly one has one."
        ),
    )
    drained_at = models.DateTimeField(
        null=True, editable=False, help_text=_("Since then it takes no new deployment; empty while it does.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "servers"
        verbose_name = _("server")
        verbose_name_plural = _("servers")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="server_name_once_per_owner"),
            models.CheckConstraint(condition=Q(port__gte=1, port__lte=65535), name="server_port_in_range"),
        ]

    def __str__(self) -> str:
        return self.name


class AgentQuerySet(models.QuerySet["Agent"]):
    """How present agents are, by the database's clock, so that no process's clock matters."""

    def active(self) -> Self:
        return self.filter(revoked_at__isnull=True)

    def online(self) -> Self:
        return self.active().filter(last_seen_at__gt=Now() - silent_after())


def silent_after() -> timedelta:
    return timedelta(seconds=settings.AXION_AGENT_SILENT_AFTER)


def lost_after() -> timedelta:
    return timedelta(seconds=settings.AXION_AGENT_LOST_AFTER)


class Agent(models.Model):
    """The runner on one server. `server_id` is no foreign key: servers may live in a peer service."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server_id = models.UUIDField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("owner"), on_delete=models.PROTECT, related_name="agents"
    )
    credential_hash = models.CharField(max_length=64, unique=True)
    version = models.CharField(_("version"), max_length=50, blank=True)
    os = models.CharField(_("operating system"), max_length=100, blank=True)
    architecture = models.CharField(_("architecture"), max_length=50, blank=True)
    server_info = models.JSONField(default=dict, blank=True)
    health = models.JSONField(default=dict, blank=True)
    missing_images = models.JSONField(
        null=True,
        editable=False,
        help_text=_("Ids that history needs and the host lacks; empty until it was looked at."),
    )
    inventory_at = models.DateTimeField(null=True, editable=False)
    condition = models.JSONField(
        null=True, editable=False, help_text=_("How the agent itself fares; empty until it said so.")
    )
    condition_at = models.DateTimeField(null=True, editable=False)
    swarm = models.JSONField(
        null=True, editable=False, help_text=_("Which Swarm its engine is in, and as what; empty until it said so.")
    )
    swarm_at = models.DateTimeField(null=True, editable=False)
    session_id = models.UUIDField(null=True, editable=False, unique=True)
    protocol = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    # The beginning of its archive's digest; empty for an agent that was not installed from one.
    build = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)
    clock_skew_ms = models.BigIntegerField(
        null=True, editable=False, help_text=_("By how much its clock was ahead of ours when it connected.")
    )
    understands = models.JSONField(default=dict, db_default={}, editable=False)
    journal_id = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    instance_id = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    former_instance_id = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    refused_instance_id = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    instance_at = models.DateTimeField(null=True, editable=False)
    trouble = models.TextField(blank=True, default="", db_default="", help_text=_("What a person must look at."))
    # It has a certificate: its credential alone lets nobody in.
    certified = models.BooleanField(default=False, db_default=False, editable=False)
    # Values are sealed to it; empty for an agent of a former release.
    sealing_key = models.BinaryField(null=True, editable=False)
    last_seen_at = models.DateTimeField(_("last seen"), null=True)
    enrolled_at = models.DateTimeField(_("enrolled"))
    revoked_at = models.DateTimeField(_("revoked"), null=True)

    objects = AgentQuerySet.as_manager()

    class Meta:
        db_table = "agents"
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        ordering = ["-enrolled_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["server_id"], condition=Q(revoked_at__isnull=True), name="one_active_agent_per_server"
            )
        ]
        indexes = [
            models.Index(fields=["owner", "-enrolled_at"], name="agents_of_owner"),
            models.Index(fields=["last_seen_at"], condition=Q(revoked_at__isnull=True), name="agents_by_last_seen"),
            models.Index(fields=["server_id"], name="agents_of_server"),
        ]

    def __str__(self) -> str:
        return gettext("agent {id}").format(id=str(self.id)[:8])


class SwarmNodes(models.Model):
    """The nodes of a Swarm as the agent of a manager told them last: of one with a quorum alone."""

    agent = models.OneToOneField(Agent, primary_key=True, on_delete=models.CASCADE, related_name="swarm_nodes")
    swarm_id = models.CharField(max_length=64)
    nodes = models.JSONField()
    told_at = models.DateTimeField()

    class Meta:
        db_table = "agent_swarm_nodes"

    def __str__(self) -> str:
        return f"nodes of {self.swarm_id}"


class EnrolmentToken(models.Model):
    """A one-time ticket with which one server's agent registers. Only its hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token_hash = models.CharField(max_length=64, unique=True)
    server_id = models.UUIDField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="enrolment_tokens")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True)
    # Whose the server was then: a token does not outlive that. Empty where the server has no row of ours.
    server_owner_id = models.UUIDField(null=True)
    may_replace = models.BooleanField(
        _("may replace a connected agent"),
        default=False,
        db_default=False,
        help_text=_("It admits an agent in place of one that is connected."),
    )
    replaced_live_agent = models.BooleanField(default=False, db_default=False)
    # Of the key that spent it: whoever has that key may ask again when the answer was lost.
    used_key_hash = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)

    class Meta:
        db_table = "enrolment_tokens"
        verbose_name = _("enrolment token")
        verbose_name_plural = _("enrolment tokens")
        indexes = [
            models.Index(fields=["server_id"], condition=Q(used_at__isnull=True), name="unused_tokens_of_server")
        ]

    def __str__(self) -> str:
        # By name where a query asked for it, as lists do.
        return gettext("enrolment token for {server}").format(
            server=getattr(self, "server_called", "") or self.server_id
        )
