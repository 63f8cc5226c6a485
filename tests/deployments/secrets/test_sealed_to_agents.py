"""Values are sealed to the agent with its command, and nothing of ours opens them on the way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from agents import gateway
from agents.models import Agent, SealedLogins, SealedValues
from agents.pki.agent_keys import make_agent_keys, sealing_public_key
from agents.pki.sealed_values import open_logins, open_values
from axion_deploy.gateway_bindings import registries_of
from deployments.data.registry_types import NewRegistry, RegistryChange
from deployments.services.lifecycle import agent_access
from deployments.services.registries import logins, registries
from deployments.services.secrets import variables
from tests.deployments.lane import Lane

NOW = datetime.now(UTC)
KEYS, OTHERS = make_agent_keys(), make_agent_keys()
PUBLIC = sealing_public_key(KEYS.sealing_key)


def opened(sealed: Any, *, deployment_id: UUID, key: str = KEYS.sealing_key) -> dict[str, str]:
    assert isinstance(sealed, bytes)
    return open_values(sealed=sealed, sealing_key=key, deployment_id=str(deployment_id))


@pytest.mark.django_db
def test_they_are_sealed_with_the_command_and_stay_closed_until_the_agent_has_them(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    Agent.objects.filter(id=lane.agent.id).update(sealing_key=PUBLIC)
    started = lane.start(lane.ask(env_vars={"A": "canary-value"}))
    ask = {"agent_id": lane.agent.id, "deployment_id": started.id}
    read = variables.values_for

    def nobody(*, deployment_id: UUID) -> dict[str, str]:
        raise AssertionError(f"{deployment_id} was opened on the way")

    monkeypatch.setattr(variables, "values_for", nobody)
    assert "canary-value" in opened(agent_access.values_for_agent(**ask), deployment_id=started.id).values()
    # An agent that was enrolled anew has another key: sealed once more, and kept.
    Agent.objects.filter(id=lane.agent.id).update(sealing_key=sealing_public_key(OTHERS.sealing_key))
    monkeypatch.setattr(variables, "values_for", read)
    again = agent_access.values_for_agent(**ask)
    monkeypatch.setattr(variables, "values_for", nobody)
    assert agent_access.values_for_agent(**ask) == again
    assert "canary-value" in opened(again, deployment_id=started.id, key=OTHERS.sealing_key).values()
    assert SealedValues.objects.count() == 1


@pytest.mark.django_db
def test_an_agent_without_a_key_gets_them_as_before(lane: Lane) -> None:
    started = lane.start(lane.ask(env_vars={"A": "canary-value"}))
    values = agent_access.values_for_agent(agent_id=lane.agent.id, deployment_id=started.id)
    assert isinstance(values, dict)
    assert "canary-value" in values.values()
    assert not SealedValues.objects.exists()


@pytest.mark.django_db
def test_logins_of_registries_are_sealed_with_the_command_and_anew_when_somebody_changes_one(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    Agent.objects.filter(id=lane.agent.id).update(sealing_key=PUBLIC)
    lane.store_graph(web="registry.example.org/web:1")
    new = NewRegistry(name="ours", address="registry.example.org", username="robot", password="canary-login")
    made = registries.add_registry(caller=lane.caller, new=new, at=NOW)
    started = lane.start(lane.ask())
    ask: dict[str, Any] = {"agent_id": lane.agent.id, "deployment_id": started.id, "opens_sealed": True}
    read = logins.open_login
    monkeypatch.setattr(logins, "open_login", lambda registry: pytest.fail(f"{registry.record.name} was opened"))

    def told(key: str = KEYS.sealing_key) -> list[str]:
        sealed = registries_of(**ask)
        assert isinstance(sealed, bytes)
        assert b"canary" not in sealed
        opened = open_logins(sealed=sealed, sealing_key=key, deployment_id=str(started.id))
        return [f"{each['address']} {each['username']} {each['password']}" for each in opened]

    assert told() == ["registry.example.org robot canary-login"]
    monkeypatch.setattr(logins, "open_login", read)
    # An older agent opens nothing, and is served as before.
    readable = registries_of(**{**ask, "opens_sealed": False})
    assert not isinstance(readable, bytes)
    assert [each.password for each in readable] == ["canary-login"]
    change = RegistryChange(password="another-canary")
    registries.change_registry(caller=lane.caller, registry_id=made.id, change=change, at=NOW)
    assert told() == ["registry.example.org robot another-canary"]
    assert SealedLogins.objects.count() == 1
    Agent.objects.filter(id=lane.agent.id).update(sealing_key=sealing_public_key(OTHERS.sealing_key))
    assert told(OTHERS.sealing_key) == ["registry.example.org robot another-canary"]
    registries.delete_registry(caller=lane.caller, registry_id=made.id)
    assert registries_of(**ask) == ()
    gateway.forget_values(deployment_id=started.id)
    assert not SealedLogins.objects.exists()
