"""A registry is tested from a server: by whom, with which login, and what becomes of the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from agents.models import Agent, CommandRecord
from agents.states import CommandOutcome
from agents.types import CommandFinished, Report
from axion_deploy import gateway_bindings
from deployments.data.registry_types import CheckState, NewRegistry, RegistryChange, RegistryRecord
from deployments.errors import Conflict, NotFound
from deployments.models import Registry, User
from deployments.services.permissions.access import caller_of
from deployments.services.registries import registries
from deployments.services.requests import check_registry
from tests.deployments.lane import Lane
from tests.factories import NOW

pytestmark = pytest.mark.django_db
PASSWORD = "hunter2-secret"


@pytest.fixture
def registry(lane: Lane) -> RegistryRecord:
    now = datetime.now(UTC)
    Agent.objects.filter(pk=lane.agent.id).update(understands={"check_registry": 1}, last_seen_at=now)
    new = NewRegistry(name="ours", address="registry.example.org", username="robot", password=PASSWORD)
    return registries.add_registry(caller=lane.caller, new=new, at=NOW)


def ask(lane: Lane, registry: RegistryRecord, *, by: User | None = None) -> UUID:
    check_id = uuid4()
    check_registry.check_registry(
        caller=caller_of(by or lane.owner), registry_id=registry.id, server_id=lane.server.id, check_id=check_id
    )
    return check_id


def answer(lane: Lane, check_id: UUID, *, outcome: CommandOutcome, message: str) -> Registry:
    report = Report(
        command_id=check_id,
        deployment_id=check_id,
        agent_id=lane.agent.id,
        number=CommandRecord.objects.get(pk=check_id).last_report_number + 1,
        at=NOW,
        body=CommandFinished(outcome=outcome, message=message),
    )
    gateway_bindings.on_report(report=report)
    return Registry.objects.get()


def test_the_agent_is_handed_the_login_while_it_tries_and_its_word_is_stored(
    lane: Lane, registry: RegistryRecord
) -> None:
    check_id = ask(lane, registry)
    order = CommandRecord.objects.get(pk=check_id)
    assert (order.kind, order.payload) == ("check_registry", {"address": registry.address, "namespace": "axion"})
    assert gateway_bindings.secrets_of(deployment_id=check_id, agent_id=lane.agent.id) == {}
    (login,) = gateway_bindings.registries_of(deployment_id=check_id, agent_id=lane.agent.id)
    assert (login.username, login.password) == ("robot", PASSWORD)  # type: ignore[union-attr]
    with pytest.raises(Conflict, match="being tested already"):
        ask(lane, registry)
    stored = answer(lane, check_id, outcome=CommandOutcome.FAILED, message="wrong password")
    assert (stored.check_state, stored.check_message) == (CheckState.FAILED, "wrong password")
    assert stored.check_server_name == lane.server.name
    with pytest.raises(NotFound):
        gateway_bindings.registries_of(deployment_id=check_id, agent_id=lane.agent.id)
    stored = answer(lane, ask(lane, registry), outcome=CommandOutcome.SUCCEEDED, message="It works.")
    assert (stored.check_state, stored.check_message) == (CheckState.PASSED, "It works.")


def test_of_an_agent_that_says_nothing_the_end_is_told(lane: Lane, registry: RegistryRecord) -> None:
    check_id = ask(lane, registry)
    assert check_registry.expire(at=NOW) == 0
    Registry.objects.update(checked_at=datetime.now(UTC) - timedelta(minutes=3))
    assert check_registry.expire(at=NOW) == 1
    stored = Registry.objects.get()
    assert (stored.check_state, "did not take the test" in stored.check_message) == (CheckState.FAILED, True)
    assert CommandRecord.objects.get(pk=check_id).status == "withdrawn"


def test_strangers_and_agents_that_cannot_are_refused(lane: Lane, registry: RegistryRecord, stranger: User) -> None:
    with pytest.raises(NotFound):
        ask(lane, registry, by=stranger)
    Agent.objects.update(understands={"deploy": 9})
    with pytest.raises(Conflict, match="too old to test registries"):
        ask(lane, registry)
    assert Registry.objects.get().check_state == CheckState.NONE


def test_a_changed_registry_counts_as_not_tested(lane: Lane, registry: RegistryRecord) -> None:
    answer(lane, ask(lane, registry), outcome=CommandOutcome.SUCCEEDED, message="It works.")
    change = RegistryChange(password="another one")
    registries.change_registry(caller=lane.caller, registry_id=registry.id, change=change, at=NOW)
    assert Registry.objects.get().check_state == CheckState.NONE
