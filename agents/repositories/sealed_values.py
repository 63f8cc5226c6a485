"""Values and registries of deployments, sealed to one agent; what is stored opens with no key of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from agents.models import Agent, SealedLogins, SealedValues
from agents.pki.sealed_values import seal_logins, seal_values
from agents.types import RegistryLogin


def store(*, agent_id: UUID, deployment_id: UUID, values: Mapping[str, str]) -> bytes | None:
    """Seal the values to the agent's present key, store and return them; None for an agent that has no key."""
    key = _key_of(agent_id)
    if key is None:
        return None
    sealed = seal_values(values=values, public_key=key, deployment_id=str(deployment_id))
    SealedValues.objects.update_or_create(
        agent_id=agent_id, deployment_id=deployment_id, defaults={"public_key": key, "ciphertext": sealed}
    )
    return sealed


def find(*, agent_id: UUID, deployment_id: UUID) -> bytes | None:
    """Return what was sealed to the agent's present key; None for nothing, or another key."""
    key = _key_of(agent_id)
    if key is None:
        return None
    stored = SealedValues.objects.filter(agent_id=agent_id, deployment_id=deployment_id, public_key=key)
    found = stored.values_list("ciphertext", flat=True).first()
    return None if found is None else bytes(found)


def store_logins(*, agent_id: UUID, deployment_id: UUID, logins: Sequence[RegistryLogin], mark: str) -> bytes | None:
    """Seal the registries to the agent's present key, store and return them; None for an agent that has no key."""
    key = _key_of(agent_id)
    if key is None:
        return None
    sealed = seal_logins(logins=[asdict(each) for each in logins], public_key=key, deployment_id=str(deployment_id))
    SealedLogins.objects.update_or_create(
        agent_id=agent_id,
        deployment_id=deployment_id,
        defaults={"public_key": key, "mark": mark, "ciphertext": sealed},
    )
    return sealed


def find_logins(*, agent_id: UUID, deployment_id: UUID, mark: str) -> bytes | None:
    """Return the registries with this mark as they were sealed to the agent's present key, or None."""
    key = _key_of(agent_id)
    if key is None:
        return None
    stored = SealedLogins.objects.filter(agent_id=agent_id, deployment_id=deployment_id, public_key=key, mark=mark)
    found = stored.values_list("ciphertext", flat=True).first()
    return None if found is None else bytes(found)


def forget(*, deployment_id: UUID) -> None:
    """Delete what was sealed of the deployment."""
    SealedValues.objects.filter(deployment_id=deployment_id).delete()
    SealedLogins.objects.filter(deployment_id=deployment_id).delete()


def _key_of(agent_id: UUID) -> bytes | None:
    found = Agent.objects.active().filter(id=agent_id).values_list("sealing_key", flat=True).first()
    return None if found is None else bytes(found)
