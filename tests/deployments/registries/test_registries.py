"""Registries: sealed, one for each address and place, and handed to exactly the agents that need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from agents.models import Cluster
from axion_deploy.gateway_bindings import registries_of
from deployments.data.registry_types import NewRegistry, RegistryChange, RegistryRecord
from deployments.errors import Conflict, DeployError, Forbidden, Invalid, NotFound
from deployments.models import Deployment, Registry
from deployments.services.fleet import machine_changes
from deployments.services.permissions.access import caller_of
from deployments.services.registries import logins, registries
from deployments.services.secrets import sealing
from deployments.types import Caller
from tests import factories
from tests.deployments.lane import Lane
from tests.factories import NOW

HOST = "registry.example.org:5000"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def admin(db: None) -> Caller:
    return caller_of(factories.make_user("ops", is_superuser=True, is_staff=True))


def add(caller: Caller, **fields: Any) -> RegistryRecord:
    usual = {"name": "ours", "address": HOST, "username": "robot", "password": PASSWORD}
    return registries.add_registry(caller=caller, new=NewRegistry(**{**usual, **fields}), at=NOW)


def change(caller: Caller, registry: RegistryRecord, **fields: Any) -> RegistryRecord:
    return registries.change_registry(caller=caller, registry_id=registry.id, change=RegistryChange(**fields), at=NOW)


def opened(registry: RegistryRecord) -> str:
    return sealing.unseal_registry(sealed=Registry.objects.get(pk=registry.id).sealed, registry_id=registry.id)


def refusal(act: Callable[[], object]) -> DeployError:
    with pytest.raises(DeployError) as caught:
        act()
    return caught.value


def test_a_password_is_sealed_stays_when_nobody_gives_another_and_goes_with_its_user(lane: Lane) -> None:
    made = add(lane.caller, address="Registry.Example.org:5000")
    assert made.address == HOST
    stored = str(Registry.objects.filter(pk=made.id).values().get())
    assert PASSWORD not in f"{stored}{made}"
    assert change(lane.caller, made, name="renamed").name == "renamed"
    assert opened(made) == PASSWORD
    change(lane.caller, made, password="another")
    assert opened(made) == "another"
    assert refusal(lambda: change(lane.caller, made, username="somebody")).details.keys() == {"password"}
    assert refusal(lambda: change(lane.caller, made, ca_certificate="no")).details.keys() == {"caCertificate"}
    change(lane.caller, made, username="")
    assert Registry.objects.get(pk=made.id).sealed == ""


def test_there_is_one_for_each_address_and_place(lane: Lane, admin: Caller) -> None:
    for caller, place in ((lane.caller, {}), (lane.caller, {"project_id": lane.project_id}), (admin, {})):
        add(caller, **place)
        assert isinstance(refusal(lambda c=caller, p=place: add(c, **p)), Conflict)  # type: ignore[misc]
    add(admin, of_installation=True)
    again = refusal(lambda: add(admin, of_installation=True, name="other"))
    assert (isinstance(again, Conflict), again.details) == (True, {"address": "there already"})
    assert isinstance(refusal(lambda: add(lane.caller, of_installation=True)), Forbidden)


def test_an_agent_gets_the_projects_before_its_owners_before_everybodys(lane: Lane, admin: Caller) -> None:
    lane.store_graph(web=f"{HOST}/apps/web:1", db="postgres:16")
    deployment = lane.start(lane.ask())

    def told() -> dict[str, str]:
        found = registries_of(deployment_id=deployment.id, agent_id=lane.agent.id)
        assert not isinstance(found, bytes)
        return {each.address: f"{each.name} {each.username} {each.password}" for each in found}

    assert told() == {}
    add(admin, of_installation=True, name="everybodys")
    add(admin, name="somebody elses")
    assert told() == {HOST: f"everybodys robot {PASSWORD}"}
    own = add(lane.caller, name="own")
    assert told() == {HOST: f"own robot {PASSWORD}"}
    add(lane.caller, project_id=lane.project_id, name="projects", password="its own")
    add(lane.caller, address="docker.io", name="hub")
    add(lane.caller, address="ghcr.io", name="of no image here")
    assert told() == {HOST: "projects robot its own", "docker.io": f"hub robot {PASSWORD}"}
    registries.delete_registry(caller=lane.caller, registry_id=own.id)
    # What cannot be opened any more is left out, and the others are not.
    Registry.objects.filter(name="hub").update(sealed="9:AAAA")
    assert told() == {HOST: "projects robot its own"}


def test_a_build_may_name_any_registry_in_its_dockerfile(lane: Lane) -> None:
    lane.store_graph(web="web:1")
    deployment = lane.start(lane.ask())
    add(lane.caller)
    assert logins.logins_for(deployment) == ()
    config = {**deployment.config, "services": [{**deployment.config["services"][0], "bundle_digest": "d" * 64}]}
    Deployment.objects.filter(pk=deployment.id).update(config=config)
    assert [each.address for each in logins.logins_for(factories.reload(deployment.id))] == [HOST]


def test_an_agent_that_has_nothing_to_do_with_it_gets_nothing(lane: Lane) -> None:
    lane.store_graph(web=f"{HOST}/apps/web:1")
    add(lane.caller)
    other = factories.make_agent(factories.make_server(factories.make_user("bob"), name="bobs"))
    deployment = lane.start(lane.ask())
    assert len(registries_of(deployment_id=deployment.id, agent_id=lane.agent.id)) == 1
    with pytest.raises(NotFound):
        registries_of(deployment_id=deployment.id, agent_id=other.id)
    lane.fail(deployment)
    with pytest.raises(NotFound):
        registries_of(deployment_id=deployment.id, agent_id=lane.agent.id)


def test_images_of_a_cluster_go_through_the_chosen_registry_or_everybodys(lane: Lane, admin: Caller) -> None:
    cluster = Cluster.objects.create(owner=lane.owner, name="three")
    assert logins.registry_of_cluster(cluster.id) is None
    everybodys = add(admin, of_installation=True, address="everybody.example.org")
    own, of_project = add(lane.caller), add(lane.caller, project_id=lane.project_id)

    def choose(registry_id: Any, caller: Caller = lane.caller) -> None:
        registries.choose_for_cluster(caller=caller, cluster_id=cluster.id, registry_id=registry_id)

    def through() -> Any:
        found = logins.registry_of_cluster(cluster.id)
        return found.record.id if found else None

    assert through() == everybodys.id
    choose(own.id)
    assert through() == own.id
    assert isinstance(refusal(lambda: choose(of_project.id)), Invalid)
    assert isinstance(refusal(lambda: choose(uuid4())), NotFound)
    assert isinstance(refusal(lambda: choose(own.id, caller_of(factories.make_user("bob")))), NotFound)
    kept = refusal(lambda: registries.delete_registry(caller=lane.caller, registry_id=own.id))
    assert (isinstance(kept, Conflict), kept.details) == (True, {"clusters": "1"})
    lane.store_graph(web="web:1")
    deployment = lane.start(lane.ask())
    Deployment.objects.filter(pk=deployment.id).update(server_id=None, cluster_id=cluster.id)
    assert [each.address for each in logins.logins_for(factories.reload(deployment.id))] == [HOST]
    machine_changes.remove_cluster(caller=lane.caller, cluster_id=Cluster.objects.create(owner=lane.owner, name="x").id)
    choose(None)
    assert through() == everybodys.id
    registries.delete_registry(caller=lane.caller, registry_id=own.id)


def test_passwords_go_over_to_a_new_key(lane: Lane, settings: Settings) -> None:
    settings.AXION_ENCRYPTION_KEYS = {1: bytes([1]) * 32}
    made, without = add(lane.caller), add(lane.caller, address="ghcr.io", username="", password="")
    settings.AXION_ENCRYPTION_KEYS = {1: bytes([1]) * 32, 2: bytes([2]) * 32}
    call_command("rotate_keys")
    settings.AXION_ENCRYPTION_KEYS = {2: bytes([2]) * 32}
    assert opened(made) == PASSWORD
    assert Registry.objects.get(pk=without.id).sealed == ""
