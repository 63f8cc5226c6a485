"""The authority that vouches for gateway and agents, and the certificates it made."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from agents.models.machines import Agent
from agents.states import AuthorityState


class Authority(models.Model):
    """A certificate authority of the control plane's own. Its private key is sealed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=20, choices=[(each.value, each.value) for each in AuthorityState])
    certificate = models.TextField()
    sealed_key = models.TextField()
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "agent_authorities"
        constraints = [
            # Two processes that start at once make one: the second one finds that of the first.
            models.UniqueConstraint(fields=["state"], condition=Q(state="issuing"), name="one_issuing_authority"),
            models.UniqueConstraint(fields=["state"], condition=Q(state="former"), name="one_former_authority"),
        ]

    def __str__(self) -> str:
        return f"authority {str(self.id)[:8]}"


class AgentCertificate(models.Model):
    """A certificate of an agent. A revoked one is refused at once, however long it would be valid."""

    id = models.BigAutoField(primary_key=True)
    serial = models.CharField(max_length=64, unique=True)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="certificates")
    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="certificates")
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    # When a session was first opened with it: what was made may never have reached its agent.
    presented_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "agent_certificates"
        indexes = [models.Index(fields=["agent", "-valid_until"], name="certificates_of_agent")]

    def __str__(self) -> str:
        return self.serial


class SealedLogins(models.Model):
    """The registries that a deployment's images come from, sealed so that its agent alone can read them."""

    id = models.BigAutoField(primary_key=True)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="+")
    deployment_id = models.UUIDField()
    public_key = models.BinaryField()
    # Of what is stored of these registries: they are sealed anew when somebody changes one, or which they are.
    mark = models.CharField(max_length=64)
    ciphertext = models.BinaryField()

    class Meta:
        db_table = "agent_sealed_logins"
        constraints = [
            models.UniqueConstraint(fields=["agent", "deployment_id"], name="logins_sealed_once_per_deployment")
        ]

    def __str__(self) -> str:
        return f"registries of {self.deployment_id}"


class SealedValues(models.Model):
    """A deployment's values, sealed so that its agent alone can read them."""

    id = models.BigAutoField(primary_key=True)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="+")
    deployment_id = models.UUIDField()
    # Whom they are sealed to: an agent that was enrolled anew has another key.
    public_key = models.BinaryField()
    ciphertext = models.BinaryField()

    class Meta:
        db_table = "agent_sealed_values"
        constraints = [
            models.UniqueConstraint(fields=["agent", "deployment_id"], name="values_sealed_once_per_deployment")
        ]

    def __str__(self) -> str:
        return f"values of {self.deployment_id}"
